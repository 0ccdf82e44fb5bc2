"""clang-tidy as an aspect: `bazel build --config=tidy //...` checks every C++ source, and again only what changed.

Tests are left out: reading GoogleTest takes clang-tidy longer than all the rest, and what it finds matters less there.
"""

_CLANG_TIDY = "/usr/bin/clang-tidy"

# It counts on stderr the warnings of system headers that it does not show; a finding makes it fail.
_COMMAND = """
%s --quiet --config-file=.clang-tidy "$1" -- "${@:3}" >"$2" 2>"$2.errors" || { cat "$2" "$2.errors" >&2; exit 1; }
""" % _CLANG_TIDY

def _flags(context):
    flags = ["-std=c++20"] + ["-D" + define for define in context.defines.to_list()]
    for directory in context.quote_includes.to_list():
        flags += ["-iquote", directory]
    for directory in context.includes.to_list() + context.system_includes.to_list():
        flags += ["-isystem", directory]
    return flags

def _clang_tidy_impl(target, ctx):
    rule = ctx.rule.attr
    if not hasattr(rule, "srcs") or not hasattr(rule, "deps") or rule.testonly or target.label.workspace_name:
        return []
    infos = [dep[CcInfo] for dep in rule.deps + [target] if CcInfo in dep]
    context = cc_common.merge_cc_infos(cc_infos = infos).compilation_context
    reports = []
    for source in ctx.rule.files.srcs:
        if source.extension != "cc" or not source.is_source:
            continue
        report = ctx.actions.declare_file("%s.%s.tidy" % (rule.name, source.basename))
        reports.append(report)
        ctx.actions.run_shell(
            inputs = depset(ctx.rule.files.srcs + ctx.files._config, transitive = [context.headers]),
            outputs = [report],
            command = _COMMAND,
            arguments = [source.path, report.path] + _flags(context),
            mnemonic = "ClangTidy",
            progress_message = "clang-tidy " + source.short_path,
            use_default_shell_env = True,
        )
    return [OutputGroupInfo(clang_tidy = depset(reports))]

clang_tidy = aspect(
    implementation = _clang_tidy_impl,
    attrs = {"_config": attr.label(default = "//:.clang-tidy", allow_files = True)},
)
