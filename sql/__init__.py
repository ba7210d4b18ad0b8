"""Views that every warehouse gets (`views/`), and ready questions (`questions/`), each opening with its question."""
