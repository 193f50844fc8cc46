"""Plug-ins: found by lying there, named in one line when they are wrong."""

import importlib
import itertools
import sys
from abc import ABC, abstractmethod

import pytest

from datamodules import POISONS, Registry, UnknownNameError

_NUMBER = itertools.count()


class Animal(ABC):
    name = "animal"

    @abstractmethod
    def sound(self):
        """Return it."""


@pytest.fixture
def zoo(tmp_path, monkeypatch):
    """A folder that is a package of plug-ins, with a module that holds their base, and its registry."""
    number = next(_NUMBER)
    package, base = f"zoo{number}", f"zoo{number}_base"
    (tmp_path / package).mkdir()
    (tmp_path / package / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    module = type(sys)(base)
    module.Animal = Animal
    monkeypatch.setitem(sys.modules, base, module)

    def drop(file, text):
        path = tmp_path / file if "/" in file else tmp_path / package / file
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"from {base} import Animal\n{text}")
        importlib.invalidate_caches()
        return path

    drop.registry = Registry(package, Animal, key=lambda plugin: plugin.name, kind="animal")
    drop.folder = tmp_path
    yield drop
    for name in [name for name in sys.modules if name.startswith(package)]:
        del sys.modules[name]


def _animal(name, class_name="Cat", base="Animal"):
    return f"class {class_name}({base}):\n    name = {name!r}\n    def sound(self): return 'miaow'\n"


def test_the_shipped_poison_is_found():
    assert POISONS.all()["gaussian"] is POISONS.get("gaussian")
    assert POISONS.get("GaussianPoison") is POISONS.get("gaussian")


def test_a_dropped_file_is_found_at_once_by_name_and_by_class(zoo):
    zoo("one.py", _animal("zebra", "Zebra"))
    assert list(zoo.registry.all()) == ["zebra"]
    zoo("two.py", _animal("ape", "Ape"))

    assert list(zoo.registry.all()) == ["ape", "zebra"]
    assert zoo.registry.get("ape") is zoo.registry.get("Ape")
    assert zoo.registry.get("ape")().sound() == "miaow"


def test_abstract_private_foreign_and_imported_classes_are_no_plugins(zoo):
    zoo("one.py", _animal("cat"))
    zoo(
        "two.py",
        _animal("hidden", "_Hidden")
        + "class Half(Animal):\n    name = 'half'\n"
        + "class Stone:\n    name = 'stone'\n"
        + f"from {zoo.registry.package}.one import Cat\n"
        + _animal("lion", "Lion", "Cat"),
    )

    assert list(zoo.registry.all()) == ["cat", "lion"]


def test_an_unknown_name_is_answered_with_the_nearest(zoo):
    zoo("one.py", _animal("zebra", "Zebra") + _animal("ape", "Ape"))

    with pytest.raises(UnknownNameError) as error:
        zoo.registry.get("Zerba")
    assert str(error.value) == "unknown animal 'Zerba'; did you mean 'zebra'? known: ape, zebra"
    with pytest.raises(ValueError, match=r"^unknown animal 'quux'; known: ape, zebra$"):
        zoo.registry.get("quux")


def test_many_names_are_counted_and_not_listed():
    message = str(UnknownNameError("network", "resnet81", [f"resnet{number}" for number in range(100)]))

    assert message.endswith("known: 100 names")
    assert "did you mean 'resnet" in message


def test_two_plugins_of_one_name_are_refused(zoo):
    zoo("one.py", _animal("cat", "One"))
    zoo("two.py", _animal("cat", "Two"))

    with pytest.raises(ValueError, match=r"two animals are called 'cat': \S+\.one, \S+\.two"):
        zoo.registry.all()


@pytest.mark.parametrize("folder", ["outside", ".pyenv"])
def test_a_file_outside_the_package_is_loaded_by_path(zoo, folder):
    path = zoo(f"{folder}/mine.py", _animal("cat", "Mine") + _animal("dog", "Other"))

    assert zoo.registry.get(f"{path}:Other").name == "dog"
    assert zoo.registry.get(f"{path}:Mine") is zoo.registry.get(f"{path}:Mine")
    assert zoo.registry.all() == {}


def test_the_class_may_be_left_out_where_there_is_one(zoo):
    one = zoo("outside/one.py", _animal("cat", "Mine") + _animal("dog", "_Hidden"))
    two = zoo("outside/two.py", _animal("cat", "Mine") + _animal("dog", "Other"))

    assert zoo.registry.get(str(one)).__name__ == "Mine"
    with pytest.raises(ValueError, match=r"known: Mine, Other$"):
        zoo.registry.get(str(two))


def test_paths_are_relative_to_the_current_folder(zoo, monkeypatch):
    zoo("outside/mine.py", _animal("cat", "Mine"))
    monkeypatch.chdir(zoo.folder)

    assert zoo.registry.get("outside/mine.py:Mine").name == "cat"


def test_mistakes_in_a_reference_are_told(zoo):
    path = zoo("outside/mine.py", _animal("cat", "Mine"))

    with pytest.raises(UnknownNameError, match="did you mean 'Mine'"):
        zoo.registry.get(f"{path}:Mien")
    with pytest.raises(ValueError, match=r"no file .*nowhere\.py'.*path/to/file\.py:Class"):
        zoo.registry.get(f"{path.parent}/nowhere.py:Mine")
    with pytest.raises(ValueError, match="defines no Animal: extend"):
        zoo.registry.get(str(zoo("outside/empty.py", "")))


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("import nonsense_that_is_not_there", "ModuleNotFoundError: No module named 'nonsense_that_is_not_there'"),
        ("def broken(:", "SyntaxError"),
        ("raise RuntimeError('one\\ntwo')", "RuntimeError: one two"),
        ("1 / 0", "ZeroDivisionError: division by zero"),
    ],
)
def test_an_import_error_is_told_in_one_line_and_can_be_mended(zoo, text, complaint):
    path = zoo("outside/mine.py", text)

    for _ in range(2):
        with pytest.raises(ValueError, match=r"mine\.py cannot be imported: ") as error:
            zoo.registry.get(f"{path}:Mine")
        assert complaint in str(error.value)
        assert "\n" not in str(error.value)
    zoo("outside/mine.py", _animal("cat", "Mine"))
    assert zoo.registry.get(f"{path}:Mine").name == "cat"


def test_an_edited_file_is_loaded_anew(zoo):
    path = zoo("outside/mine.py", _animal("cat", "Mine"))
    before = zoo.registry.get(f"{path}:Mine")

    zoo("outside/mine.py", _animal("kitten", "Mine"))
    after = zoo.registry.get(f"{path}:Mine")

    assert (before.name, after.name) == ("cat", "kitten")
