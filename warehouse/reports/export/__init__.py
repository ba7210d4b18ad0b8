"""A take-away of the warehouse: every mart and every table of facts as files that any program reads.

Whoever cites a chart must be able to make it again, years later and without this program. So an export holds the rows as
Parquet and CSV, and what each column means (`datapackage.json`, a Frictionless Data Package). It holds the terms of the
sources, how to cite it, and a version made of the date and a hash of the contents.

    write.py        the folder: whole or not at all
    package.py      datapackage.json, from the tables' declarations
    terms.py        which rows their source's terms allow to be passed on
    csv_text.py     cells of CSV, so that no spreadsheet runs one as a formula
"""
