"""The shapes of all answers, by what they are about."""
