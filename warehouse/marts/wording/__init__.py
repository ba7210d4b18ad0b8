"""The one place where reasons become English: one file a subject, each with its `WORDS`.

`warehouse.marts.common.words` reads them. Nothing reads the sentences back, so they can be reworded freely.
"""
