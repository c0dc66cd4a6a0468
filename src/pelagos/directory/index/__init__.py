"""Rows that are searched in memory: read once, kept in little memory, never changed.

`Table` is the way in; `read_csv` makes rows of CSV text. Admission rule: knows rows, columns and
texts, and nothing of files, networks, threads or sources.
"""

from pelagos.directory.index.charset import charset, decode
from pelagos.directory.index.csv_text import MAX_PROBLEMS, CsvRows, Problem, read_csv
from pelagos.directory.index.table import Table

__all__ = ["MAX_PROBLEMS", "CsvRows", "Problem", "Table", "charset", "decode", "read_csv"]
