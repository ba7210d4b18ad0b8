"""How documents are fetched: politely, within bounds, archived under their hash before anything reads them."""
