"""Speed and memory as ratios, each side by side with what it is held against: `python -m bench`, or one of its modules."""
