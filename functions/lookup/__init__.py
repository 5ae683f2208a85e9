"""The one road every lookup takes, whoever asks and however they ask."""
