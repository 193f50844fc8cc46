"""Descriptions of data: what they load, and that they can be told apart."""

from benchmark.address import address_of, canonical
from benchmark.scenario import CorpusSpec


def test_options_reach_the_corpus_and_each_description_is_loaded_once():
    spec = CorpusSpec("grammar", train_size=30, selection_size=20, options={"max_length": 9, "test_size": 10})

    corpus = spec.load()

    assert (len(corpus.train), len(corpus.selection), len(corpus.test), corpus.max_length) == (30, 20, 10, 9)
    same = CorpusSpec("grammar", train_size=30, selection_size=20, options={"test_size": 10, "max_length": 9})
    assert same.load() is corpus
    other = CorpusSpec("grammar", train_size=30, selection_size=20, options={"max_length": 8, "test_size": 10})
    assert other.load().max_length == 8
    assert spec.load() is corpus


def test_options_count_in_the_address_only_where_there_are_some():
    assert canonical(CorpusSpec("digits")) == '{"name":"digits","selection_size":null,"train_size":null}'
    addresses = {address_of(CorpusSpec("grammar", options=options)) for options in ({}, {"a": 1}, {"a": 2})}
    assert len(addresses) == 3
