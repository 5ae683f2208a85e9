"""The commands of an operator and of the build, each behind a target of the Makefile."""
