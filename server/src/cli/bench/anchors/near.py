"""Near duplicates of a column `text`, by rensa or datasketch: TOOL FILE OUT THRESHOLD."""
import json, re, sys, time

tool, path, out, threshold = sys.argv[1], sys.argv[2], sys.argv[3], float(sys.argv[4])


def failed(kind, error, _):
    json.dump({"failed": f"{kind.__name__}: {error}"}, open(out, "w"))


sys.excepthook = failed


def shingles(text):
    words = re.findall(r"\w+", text.lower())
    return [" ".join(words[i:i + 5]) for i in range(len(words) - 4)]


def rensa(texts):
    lsh = RMinHashLSH(threshold=threshold, num_perm=126, num_bands=18)
    pairs, marks = [], []
    for row, text in enumerate(texts):
        mark = RMinHash(num_perm=126, seed=42)
        mark.update(shingles(text))
        pairs += [(o, row) for o in lsh.query(mark) if mark.jaccard(marks[o]) >= threshold]
        marks.append(mark)
        lsh.insert(row, mark)
    return pairs


def datasketch(texts):
    lsh = MinHashLSH(threshold=threshold, num_perm=126, params=(18, 7))
    pairs, marks = [], []
    for row, text in enumerate(texts):
        mark = MinHash(num_perm=126)
        mark.update_batch([s.encode() for s in shingles(text)])
        pairs += [(o, row) for o in lsh.query(mark) if mark.jaccard(marks[o]) >= threshold]
        marks.append(mark)
        lsh.insert(row, mark)
    return pairs


try:
    import polars
    if tool == "rensa":
        from rensa import RMinHash, RMinHashLSH
    else:
        from datasketch import MinHash, MinHashLSH
except ImportError as error:
    json.dump({"missing": error.name}, open(out, "w"))
    sys.exit()
texts = [t or "" for t in polars.read_parquet(path, columns=["text"])["text"].to_list()]
start = time.perf_counter()
pairs = {"rensa": rensa, "datasketch": datasketch}[tool](texts)
json.dump({"seconds": time.perf_counter() - start, "found": pairs}, open(out, "w"))
