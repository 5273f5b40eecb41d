"""Distinct values of every column, estimated by DuckDB or polars: TOOL FILE OUT."""
import json, sys, time

tool, path, out = sys.argv[1:4]


def failed(kind, error, _):
    json.dump({"failed": f"{kind.__name__}: {error}"}, open(out, "w"))


sys.excepthook = failed


def duckdb_counts():
    connection = duckdb.connect()
    connection.execute("SET threads=2")
    connection.execute("SET enable_progress_bar=false")
    rows = connection.execute(f"SUMMARIZE SELECT * FROM '{path}'").fetchall()
    names = [column[0] for column in connection.description]
    name, count = names.index("column_name"), names.index("approx_unique")
    return {row[name]: int(row[count]) for row in rows}


def polars_counts():
    return polars.scan_parquet(path).select(polars.all().approx_n_unique()).collect().row(0, named=True)


try:
    if tool == "DuckDB":
        import duckdb
    else:
        import polars
except ImportError as error:
    json.dump({"missing": error.name}, open(out, "w"))
    sys.exit()
start = time.perf_counter()
found = duckdb_counts() if tool == "DuckDB" else polars_counts()
json.dump({"seconds": time.perf_counter() - start, "found": found}, open(out, "w"))
