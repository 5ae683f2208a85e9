"""The build of `/console`: what the pages share with the service is written for them, then esbuild bundles them."""
