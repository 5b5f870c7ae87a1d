"""Texts of NLTK's corpora, written in the form that the other benchmarks read.

No default of this library was chosen on them alone. The corpora are zip files, as `nltk.download` stores them:

    python -m nltk.downloader -d NLTK movie_reviews subjectivity nps_chat pros_cons
    python benchmarks/further_texts.py NLTK/corpora FOLDER
    python benchmarks/texts.py FOLDER --sets movie_reviews subjectivity nps_chat pros_cons

With `--unspaced`, the sets have no spaces, and each letter is a Chinese character, as in texts whose words aren't
separated.
"""

import argparse
import gzip
import json
import os
import pathlib
import random
import re
import zipfile
from xml.etree import ElementTree

#: Maximum number of rows of the test set.
_TEST_ROWS = 2_000
_FIRST_IDEOGRAPH = 0x4E00


def movie_reviews(corpus):
    """Yield reviews of films of some hundred words, and whether they recommend the film."""
    for name in corpus.namelist():
        if name.endswith(".txt"):
            yield corpus.read(name).decode("latin1").replace("\n", " "), name.split("/")[1]


def subjectivity(corpus):
    """Yield sentences about films, and whether they are of a review or of a summary."""
    for name in corpus.namelist():
        kind = os.path.basename(name).split(".")[0]
        if kind in ("quote", "plot"):
            for line in corpus.read(name).decode("latin1").splitlines():
                yield line, kind


def nps_chat(corpus):
    """Yield posts of a chat, and the 15 kinds of what they do."""
    for name in corpus.namelist():
        if name.endswith(".xml") and "cats" not in name:
            for post in ElementTree.fromstring(corpus.read(name)).iter("Post"):
                yield post.text or "", post.get("class")


def pros_cons(corpus):
    """Yield short opinions on products, and whether they are for or against the product."""
    for name in corpus.namelist():
        if name.endswith(".txt") and "README" not in name:
            for kind, text in re.findall(r"<(Pros|Cons)>(.*?)</", corpus.read(name).decode("latin1")):
                yield text, kind


#: By name of a corpus: the function of its texts and labels, and the number of training rows.
CORPORA = {
    "movie_reviews": (movie_reviews, 1_400),
    "subjectivity": (subjectivity, 8_000),
    "nps_chat": (nps_chat, 6_000),
    "pros_cons": (pros_cons, 8_000),
}


def unspaced(text):
    """Return a text without spaces, with a Chinese character for each letter."""
    letters = text.replace(" ", "")
    return "".join(chr(_FIRST_IDEOGRAPH + ord(one)) if one.isascii() and one.isalpha() else one for one in letters)


def write(name, corpora, folder, change):
    """Write a random part of the texts of a corpus as training set, and others as test set, each text once."""
    read, n_train = CORPORA[name]
    with zipfile.ZipFile(pathlib.Path(corpora) / f"{name}.zip") as corpus:
        rows = list({text: label for text, label in read(corpus) if text.strip()}.items())
    random.Random(0).shuffle(rows)
    folder = pathlib.Path(folder) / name
    folder.mkdir(parents=True, exist_ok=True)
    for part, chosen in {"train": rows[:n_train], "test": rows[n_train : n_train + _TEST_ROWS]}.items():
        with gzip.open(folder / f"{part}.jsonl.gz", "wt", encoding="utf-8") as file:
            file.writelines(json.dumps({"text": change(text), "label": label}) + "\n" for text, label in chosen)
    (folder / "meta.json").write_text(json.dumps({"kind": "text", "metric": "accuracy"}))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("corpora", help="folder of the zip files")
    parser.add_argument("folder", help="folder of the data sets that are written")
    parser.add_argument("--sets", nargs="+", default=list(CORPORA), choices=list(CORPORA))
    parser.add_argument("--unspaced", action="store_true", help="without spaces, with a Chinese character per letter")
    options = parser.parse_args()
    for name in options.sets:
        write(name, options.corpora, options.folder, unspaced if options.unspaced else str)


if __name__ == "__main__":
    main()
