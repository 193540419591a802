"""What can go wrong in the demo, as one sentence."""


class DemoError(Exception):
    """A reason to stop, as a sentence for the person who started the demo."""
