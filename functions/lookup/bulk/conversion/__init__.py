"""Convert rosters before they are fed: unpack them, count them where users of the day are limited, one at a time."""
