"""Files to rows, a format a file. Knows nothing about where files are or what columns mean.

Every reader yields `Row`s and `Fault`s: it never raises for a bad row, so that the caller may go on. The place of a row
is its first physical line, or the number of the row in Parquet and in a JSON document, counted from 1. (pandas,
pyarrow.csv and `datasets` do not say it, which is why the csv and json of the standard library read.)
"""
