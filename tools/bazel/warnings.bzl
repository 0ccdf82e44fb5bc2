"""Compiler warnings of our own code; each is an error."""

WARNINGS = [
    "-Wall",
    "-Wextra",
    "-Werror",
    "-Wno-sign-compare",
    "-Wno-unused-parameter",
    "-Wno-missing-field-initializers",
    # False alarms of gcc 12 in std::string and std::vector (gcc bugs 105651, 105329).
    "-Wno-restrict",
    "-Wno-stringop-overflow",
    "-Wno-unknown-warning-option",
]
