"""Files as text in the program."""

def embed_text(name, src, out, function, header):
    """A .cc whose FUNCTION, declared in HEADER, returns the text of SRC."""
    native.genrule(
        name = name,
        srcs = [src],
        outs = [out],
        # Pieces, since compilers limit how long one literal may be.
        cmd = """
{{
  echo '#include "{header}"'
  echo 'namespace correlate {{'
  echo 'absl::string_view {function}() {{'
  echo 'static constexpr char kText[] ='
  split -C 8000 --filter='printf "R\\"~~~~("; cat; echo ")~~~~\\""' $(location {src})
  echo ';'
  echo 'return absl::string_view(kText, sizeof kText - 1); }}'
  echo '}}  // namespace correlate'
}} > $@
""".format(header = header, function = function, src = src),
    )
