"""The registry of AVK codes: what each complaint is called; `docs/diagnostics/` tells more of each."""
from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Code:
    """`number` is what users search for (`AVK1002`), `title` says in a few words what is wrong."""

    number: str
    title: str

    def __str__(self) -> str:
        return self.number


REGISTRY: dict[str, Code] = {}


def _code(number: str, title: str) -> Code:
    assert number not in REGISTRY, number
    code = Code(number, title)
    REGISTRY[number] = code
    return code


# AVK10xx: the text is not the YAML that we read
BAD_YAML = _code("AVK1001", "not valid YAML")
DUPLICATE_KEY = _code("AVK1002", "a key given twice")
TAG_GIVEN = _code("AVK1003", "a YAML tag")
TOO_DEEP = _code("AVK1004", "nested too deep")
TOO_LARGE = _code("AVK1005", "too large to read safely")
NOT_TEXT = _code("AVK1006", "not UTF-8 text")
NOT_A_DOCUMENT = _code("AVK1007", "not one YAML mapping")
MERGE_KEY = _code("AVK1008", "a merge key")
BAD_ALIAS = _code("AVK1009", "an alias that cannot be followed")
# AVK11xx: the YAML is not a policy
UNKNOWN_KEY = _code("AVK1101", "an unknown key")
WRONG_TYPE = _code("AVK1102", "a value of the wrong type")
MISSING_KEY = _code("AVK1103", "a required key is missing")
BAD_VALUE = _code("AVK1104", "a value outside what is allowed")
UNSET_VARIABLE = _code("AVK1105", "an environment variable is not set")
BAD_GLOB = _code("AVK1106", "a glob that cannot be read")
BAD_REGEX = _code("AVK1107", "a regular expression that cannot be read")
EMPTY_LIST = _code("AVK1108", "an empty list that would match nothing")
# AVK12xx: a `when:` expression
BAD_EXPRESSION = _code("AVK1201", "an expression that cannot be read")
UNKNOWN_NAME = _code("AVK1202", "an expression names something unknown")
WRONG_OPERAND = _code("AVK1203", "an operand that does not fit its operator")
# AVK3xxx: a policy that is valid and probably not meant
SHADOWED_RULE = _code("AVK3001", "a rule that can never decide")
NOTHING_TO_LOWER = _code("AVK3002", "no rule that a kernel could enforce")
SPLIT_EFFECTS = _code("AVK3003", "denied to one tool, granted to another")
DIRECTORY_ONLY = _code("AVK3004", "a glob that can only match directories")
EVERY_PROCESS = _code("AVK3005", "a policy for every process of every node")
IGNORED_KEY = _code("AVK3006", "a key that has no effect")
# AVK5xxx: compiling and applying
UNREADABLE = _code("AVK5001", "a file that cannot be read")
UNWRITABLE = _code("AVK5002", "an output that cannot be written")
NOT_ENFORCED = _code("AVK5003", "a rule that a backend cannot enforce as required")
UNKNOWN_BACKEND = _code("AVK5004", "an unknown backend")
BROKEN_PLUGIN = _code("AVK5005", "a backend plug-in that cannot be loaded")
DUPLICATE_PLUGIN = _code("AVK5006", "two backends of one name")
NO_POLICY = _code("AVK5007", "no policy file found")
NOT_AVAILABLE = _code("AVK5008", "this machine lacks the mechanism")
BAD_CALL = _code("AVK5009", "a tool call that cannot be read")
NOT_APPLIED = _code("AVK5010", "a layer that could not be applied")
BAD_OBJECT = _code("AVK5011", "an object that cannot be asked about")
# AVK60xx: signed policies
NO_SIGNATURE = _code("AVK6001", "a policy without a signature")
BAD_SIGNATURE = _code("AVK6002", "a signature that does not hold")
BAD_KEY = _code("AVK6003", "a key that cannot be used")
NO_KEY = _code("AVK6004", "no key for this signature")
NO_ED25519 = _code("AVK6005", "Ed25519 is not installed")
ROLLED_BACK = _code("AVK6006", "an older signed policy")
CHANGED_VARIABLE = _code("AVK6007", "a signed environment value has changed")
BAD_STATE = _code("AVK6008", "the remembered policy was tampered with")
NOT_REPLACED = _code("AVK6009", "a policy that cannot be replaced")
# AVK61xx: policies of several levels
OVERRULED = _code("AVK6101", "a rule that another level overrules")
BAD_LEVEL = _code("AVK6102", "a level that cannot be used")
# AVK62xx: approvals
NO_APPROVALS = _code("AVK6201", "no store of approvals")
UNKNOWN_APPROVAL = _code("AVK6202", "no such approval")
SETTLED_APPROVAL = _code("AVK6203", "an approval that is settled")
BROKEN_APPROVALS = _code("AVK6204", "approvals that cannot be used")
# AVK63xx: the audit trail
NO_AUDIT = _code("AVK6301", "no audit store")
BROKEN_AUDIT = _code("AVK6302", "an audit store that cannot be used")
TAMPERED_AUDIT = _code("AVK6303", "an audit trail that was changed")
BAD_LOG_OPTION = _code("AVK6304", "an option of `logs` that cannot be read")
