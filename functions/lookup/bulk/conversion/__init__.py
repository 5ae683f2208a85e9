"""Convert rosters before they are fed: write them as lines, count them where daily users are limited, one at a time."""
