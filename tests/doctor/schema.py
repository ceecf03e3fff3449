"""The JSON of `lbproxy doctor --json`, as a script relies on it; written apart from the code that makes it."""

TEXT = {"type": "string"}
SOME_TEXT = {"type": "string", "minLength": 1}
FINDING = {
    "type": "object",
    "additionalProperties": False,
    "required": ["name", "dataplane", "verdict", "seen", "why", "fix"],
    "properties": {
        "name": SOME_TEXT,
        "dataplane": {"enum": ["any", "userspace", "ipvs"]},
        "verdict": {"enum": ["ok", "unknown", "could-be-better", "wont-work"]},
        "seen": SOME_TEXT,
        "why": SOME_TEXT,
        "fix": TEXT,
    },
    "if": {"properties": {"verdict": {"enum": ["wont-work", "could-be-better"]}}},
    "then": {"properties": {"fix": SOME_TEXT}},
}
SCHEMA = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "additionalProperties": False,
    "required": ["version", "verdict", "exit_code", "dataplane", "findings"],
    "properties": {
        "version": {"const": 1},
        "verdict": {"enum": ["ok", "unknown", "could-be-better", "wont-work"]},
        "exit_code": {"enum": [0, 1, 2]},
        "dataplane": {
            "type": "object",
            "additionalProperties": False,
            "required": ["requested", "picked", "reason"],
            "properties": {
                "requested": {"enum": ["userspace", "ipvs", "auto"]},
                "picked": {"enum": ["userspace", "ipvs"]},
                "reason": SOME_TEXT,
            },
        },
        "findings": {"type": "array", "minItems": 1, "items": FINDING},
    },
}
