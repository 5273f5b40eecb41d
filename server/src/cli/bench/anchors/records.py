"""Records of the same person, by recordlinkage or splink without training: TOOL FILE OUT."""
import json, logging, sys, time, warnings

tool, path, out = sys.argv[1:4]


def failed(kind, error, _):
    json.dump({"failed": f"{kind.__name__}: {error}"}, open(out, "w"))


sys.excepthook = failed
warnings.simplefilter("ignore")
logging.disable(logging.CRITICAL)
KEYS = [("soc_sec_id",), ("date_of_birth", "surname"), ("given_name", "surname"),
        ("postcode", "date_of_birth"), ("address_1",), ("given_name", "suburb")]


def recordlinkage(frame):
    index = Index()
    for key in KEYS:
        index.block(list(key))
    pairs = index.index(frame)
    compare = Compare()
    for column in ("given_name", "surname", "address_1", "address_2", "suburb"):
        compare.string(column, column, method="jarowinkler", threshold=0.85, label=column)
    for column in ("street_number", "postcode", "soc_sec_id", "date_of_birth"):
        compare.string(column, column, method="damerau_levenshtein", threshold=0.75, label=column)
    compare.exact("state", "state", label="state")
    features = compare.compute(pairs, frame)
    return [sorted(pair) for pair in ECMClassifier(binarize=0.8).fit_predict(features)]


def splink(frame):
    frame["unique_id"] = range(len(frame))
    rules = [block_on(*key) for key in KEYS]
    api = DuckDBAPI()
    settings = SettingsCreator(
        link_type="dedupe_only",
        blocking_rules_to_generate_predictions=rules,
        comparisons=[
            cl.NameComparison("given_name"), cl.NameComparison("surname"),
            cl.LevenshteinAtThresholds("date_of_birth", [1, 2]),
            cl.LevenshteinAtThresholds("soc_sec_id", [1, 2]),
            cl.ExactMatch("street_number"), cl.LevenshteinAtThresholds("postcode", [1, 2]),
            cl.JaroWinklerAtThresholds("address_1", [0.9, 0.7]),
            cl.JaroWinklerAtThresholds("suburb", [0.9, 0.7]), cl.ExactMatch("state"),
        ],
    )
    try:
        linker = Linker(frame, settings, api)  # splink 4
    except (TypeError, AttributeError):
        linker = Linker(api.register(frame), settings)
    training = linker.training
    training.estimate_probability_two_random_records_match([rules[0], rules[2]], recall=0.8)
    training.estimate_u_using_random_sampling(max_pairs=1e6)
    training.estimate_parameters_using_expectation_maximisation(rules[1])
    training.estimate_parameters_using_expectation_maximisation(rules[0])
    found = linker.inference.predict(threshold_match_probability=0.5)
    found = found.as_pandas_dataframe()
    return [sorted(pair) for pair in zip(found["unique_id_l"], found["unique_id_r"])]


try:
    import pandas, polars
    if tool == "recordlinkage":
        from recordlinkage import Compare, ECMClassifier, Index
    else:
        import splink.comparison_library as cl
        from splink import DuckDBAPI, Linker, SettingsCreator, block_on
except ImportError as error:
    json.dump({"missing": error.name}, open(out, "w"))
    sys.exit()
frame = pandas.DataFrame(polars.read_parquet(path).to_dict(as_series=False))
start = time.perf_counter()
pairs = [[int(a), int(b)] for a, b in globals()[tool](frame)]
json.dump({"seconds": time.perf_counter() - start, "found": pairs}, open(out, "w"))
