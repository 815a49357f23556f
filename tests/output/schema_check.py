#!/usr/bin/env python3
"""Holds JSON against a schema of docs/schema, and the schema against what is broken.

    schema_check.py KIND[#ANCHOR] FILE...     each object of the files keeps to the schema
    schema_check.py --broken SEED KIND[#ANCHOR] FILE...
                                              the same, and no object that was broken at random does: a key that has
                                              to be there taken away, one that nobody knows added, a value of another kind

A file has one object, or one on each line. Says how many there were; exit 1 with the first of each file's faults.
"""
import json
import pathlib
import random
import sys

import jsonschema

SCHEMAS = pathlib.Path(__file__).resolve().parents[2] / "docs" / "schema"
BROKEN_EACH = 40
OBJECTS_BROKEN_MAX = 60
# What is the user's, or a list of names that the kernel has or a driver, may have any key.
OPEN = {"user_metadata", "capabilities", "driver_counters"}


def objects_of(path):
    text = pathlib.Path(path).read_text(encoding="utf-8")
    try:
        return [json.loads(text)]
    except json.JSONDecodeError:
        return [json.loads(line) for line in text.splitlines()]


def validator_of(kind):
    name, _, anchor = kind.partition("#")
    schema = json.loads((SCHEMAS / f"{name}.schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    # The definition's references lead to the schema that it stands in.
    return validator.evolve(schema=schema["$defs"][anchor]) if anchor else validator


def objects_in(value, path=()):
    """Each object in it that the program has named the keys of."""
    if isinstance(value, dict):
        yield value
        for key, member in value.items():
            if key not in OPEN:
                yield from objects_in(member, path + (key,))
    elif isinstance(value, list):
        for member in value:
            yield from objects_in(member, path)


def of_another_kind(value, generator):
    """A value that no schema takes in the place of this one: numbers, texts and truth values are told apart."""
    if isinstance(value, dict):
        return generator.choice([[], "x", 1, True])
    if isinstance(value, list):
        return generator.choice([{}, "x", 1, None])
    return generator.choice([[], {}, [value], {"x": value}])


def broken(whole, must_be_whole, generator):
    """What was done, and the object that it was done to."""
    copy = json.loads(json.dumps(whole))
    place = generator.choice(list(objects_in(copy)))
    what = generator.choice(["less", "more", "other"] if must_be_whole(place, copy) else ["more", "other"])
    key = generator.choice(list(place) or ["x"])
    if key in OPEN and what == "other":
        place[key] = []
        return f"{key} is []", copy
    if what == "less" and place:
        del place[key]
        return f"without {key}", copy
    if what == "more" or not place:
        place["unknown_key"] = 1
        return "with an unknown key", copy
    place[key] = of_another_kind(place[key], generator)
    return f"{key} is {place[key]}", copy


def main():
    arguments = sys.argv[1:]
    seed = None
    if arguments[0] == "--broken":
        seed = int(arguments[1])
        arguments = arguments[2:]
    kind, files = arguments[0], arguments[1:]
    validator = validator_of(kind)
    generator = random.Random(seed)
    # Of a line only some fields have to be there, and of a choice of them none.
    required = set(validator.schema.get("required", []))

    def must_be_whole(place, root):
        return place is not root or set(place) <= required

    count = refused = 0
    for path in files:
        for number, whole in enumerate(objects_of(path)):
            for error in validator.iter_errors(whole):
                sys.exit(f"{path}, object {number + 1}: {error.json_path}: {error.message[:300]}")
            count += 1
            if seed is None or number >= OBJECTS_BROKEN_MAX:
                continue
            for _ in range(BROKEN_EACH):
                what, copy = broken(whole, must_be_whole, generator)
                if validator.is_valid(copy):
                    sys.exit(f"{path}, object {number + 1}: {kind} takes it {what}: {json.dumps(copy)[:600]}")
                refused += 1
            for key in required & set(whole):
                if validator.is_valid({name: value for name, value in whole.items() if name != key}):
                    sys.exit(f"{path}, object {number + 1}: {kind} takes it without {key}")
                refused += 1
    if count == 0:
        sys.exit(f"{kind}: there is no object")
    print(f"{kind}: {count} kept to it, {refused} that were broken were refused")


if __name__ == "__main__":
    main()
