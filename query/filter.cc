#include "query/filter.h"

#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "query/filter_node.h"
#include "render/text.h"

namespace correlate {
namespace {

constexpr int kMostDepth =
    100;  // of parentheses and negations; hostile text must not end the stack
constexpr size_t kMostBytes = 64 * 1024;

struct Token {
  enum class Kind { kEnd, kWord, kQuoted, kSymbol };
  Kind kind = Kind::kEnd;
  std::string text;
  size_t column = 0;  // from 0
};

class Parser {
 public:
  explicit Parser(absl::string_view text) : text_(text) {}

  absl::StatusOr<std::unique_ptr<const FilterNode>> Parse() {
    if (text_.size() > kMostBytes) return absl::InvalidArgumentError("it is longer than 64 KiB");
    RETURN_IF_ERROR(Next());
    ASSIGN_OR_RETURN(auto root, Or());
    if (token_.kind != Token::Kind::kEnd) return Expected("'&&', '||' or the end");
    return root;
  }

 private:
  using Node = std::unique_ptr<const FilterNode>;

  absl::Status Error(size_t column, absl::string_view what) const {
    // The part of the line around the mistake.
    constexpr size_t kBefore = 60;
    constexpr size_t kShown = 120;
    const size_t begin = column > kBefore ? column - kBefore : 0;
    std::string line(text_.substr(begin, kShown));
    for (char& c : line) {
      if (absl::ascii_iscntrl(static_cast<unsigned char>(c))) c = ' ';
    }
    const std::string before = Printable(absl::string_view(line).substr(0, column - begin));
    return absl::InvalidArgumentError(absl::StrCat("column ", column + 1, ": ", what, "\n  ",
                                                   Printable(line), "\n  ",
                                                   std::string(DisplayWidth(before), ' '), "^"));
  }
  absl::Status Expected(absl::string_view what) const {
    const std::string found = token_.kind == Token::Kind::kEnd
                                  ? "the end"
                                  : absl::StrCat("'", Printable(token_.text), "'");
    return Error(token_.column, absl::StrCat("expected ", what, ", found ", found));
  }

  bool IsSymbol(absl::string_view text) const {
    return token_.kind == Token::Kind::kSymbol && token_.text == text;
  }
  bool IsWord(absl::string_view text) const {
    return token_.kind == Token::Kind::kWord && token_.text == text;
  }

  absl::Status Next() {
    while (at_ < text_.size() && absl::ascii_isspace(static_cast<unsigned char>(text_[at_]))) ++at_;
    token_ = {.column = at_};
    if (at_ == text_.size()) return absl::OkStatus();
    const char c = text_[at_];
    if (c == '"' || c == '\'') return Quoted(c);
    for (const absl::string_view symbol :
         {"&&", "||", "==", "!=", "<=", ">=", "!~", "=~", "(", ")", ",", "!", "=", "<", ">", "~"}) {
      if (text_.substr(at_, symbol.size()) != symbol) continue;
      token_.kind = Token::Kind::kSymbol;
      token_.text = std::string(symbol);
      at_ += symbol.size();
      return absl::OkStatus();
    }
    const size_t end = std::min(
        text_.find_first_of(absl::string_view("()!=<>~&|,\"' \t\r\n\f\v"), at_), text_.size());
    if (end == at_) return Error(at_, absl::StrCat("'", text_.substr(at_, 1), "' means nothing"));
    token_.kind = Token::Kind::kWord;
    token_.text = std::string(text_.substr(at_, end - at_));
    at_ = end;
    return absl::OkStatus();
  }

  absl::Status Quoted(char quote) {
    token_.kind = Token::Kind::kQuoted;
    for (++at_; at_ < text_.size(); ++at_) {
      if (text_[at_] == quote) {
        ++at_;
        return absl::OkStatus();
      }
      // A backslash protects itself and the quote; before all else it stands (regular expressions).
      const bool escapes = text_[at_] == '\\' && at_ + 1 < text_.size() &&
                           (text_[at_ + 1] == quote || text_[at_ + 1] == '\\');
      if (escapes) ++at_;
      token_.text += text_[at_];
    }
    return Error(token_.column, "this quote has no end");
  }

  absl::StatusOr<Node> Or() {
    ASSIGN_OR_RETURN(Node first, And());
    if (!IsSymbol("||") && !IsWord("or")) return first;
    FilterNodes parts;
    parts.push_back(std::move(first));
    while (IsSymbol("||") || IsWord("or")) {
      RETURN_IF_ERROR(Next());
      ASSIGN_OR_RETURN(Node part, And());
      parts.push_back(std::move(part));
    }
    return std::make_unique<AnyOf>(std::move(parts));
  }

  absl::StatusOr<Node> And() {
    ASSIGN_OR_RETURN(Node first, Unary());
    if (!IsSymbol("&&") && !IsWord("and")) return first;
    FilterNodes parts;
    parts.push_back(std::move(first));
    while (IsSymbol("&&") || IsWord("and")) {
      RETURN_IF_ERROR(Next());
      ASSIGN_OR_RETURN(Node part, Unary());
      parts.push_back(std::move(part));
    }
    return std::make_unique<AllOf>(std::move(parts));
  }

  absl::StatusOr<Node> Unary() {
    if (++depth_ > kMostDepth) return Error(token_.column, "too many levels");
    absl::StatusOr<Node> node = Primary();
    --depth_;
    return node;
  }

  absl::StatusOr<Node> Primary() {
    if (IsSymbol("!") || IsWord("not")) {
      RETURN_IF_ERROR(Next());
      ASSIGN_OR_RETURN(Node part, Unary());
      return std::make_unique<Not>(std::move(part));
    }
    if (!IsSymbol("(")) return Compare();
    const size_t opened = token_.column;
    RETURN_IF_ERROR(Next());
    ASSIGN_OR_RETURN(Node inner, Or());
    if (token_.kind == Token::Kind::kEnd) return Error(opened, "this parenthesis has no end");
    if (!IsSymbol(")")) return Expected("'&&', '||' or ')'");
    RETURN_IF_ERROR(Next());
    return inner;
  }

  absl::StatusOr<Node> Compare() {
    if (token_.kind != Token::Kind::kWord) return Expected("a key, '!' or '('");
    auto key = ParseEventKey(token_.text);
    if (!key.ok()) return Error(token_.column, key.status().message());
    RETURN_IF_ERROR(Next());
    const Token op = token_;
    const bool negated = IsSymbol("!=") || IsSymbol("!~");
    Node node;
    if (IsSymbol("==") || IsSymbol("=") || IsSymbol("!=")) {
      ASSIGN_OR_RETURN(node, One(*std::move(key), FilterOperator::kEqual, op));
    } else if (IsSymbol("<")) {
      ASSIGN_OR_RETURN(node, One(*std::move(key), FilterOperator::kLess, op));
    } else if (IsSymbol("<=")) {
      ASSIGN_OR_RETURN(node, One(*std::move(key), FilterOperator::kLessOrEqual, op));
    } else if (IsSymbol(">")) {
      ASSIGN_OR_RETURN(node, One(*std::move(key), FilterOperator::kGreater, op));
    } else if (IsSymbol(">=")) {
      ASSIGN_OR_RETURN(node, One(*std::move(key), FilterOperator::kGreaterOrEqual, op));
    } else if (IsSymbol("~") || IsSymbol("=~") || IsSymbol("!~")) {
      ASSIGN_OR_RETURN(node, Regex(*std::move(key)));
    } else if (IsWord("in")) {
      ASSIGN_OR_RETURN(node, List(*std::move(key)));
    } else {
      return std::make_unique<Comparison>(*std::move(key), FilterOperator::kPresent,
                                          std::vector<FilterLiteral>(), nullptr);
    }
    if (negated) node = std::make_unique<Not>(std::move(node));
    return node;
  }

  // The value that stands here, as the key can be compared with it.
  absl::StatusOr<FilterLiteral> Literal(const EventKey& key) {
    const bool quoted = token_.kind == Token::Kind::kQuoted;
    if (!quoted && token_.kind != Token::Kind::kWord) return Expected("a value");
    FilterLiteral literal = FilterLiteral::From(token_.text, quoted);
    const absl::string_view name = key.name;
    if (key.form == EventKey::Form::kNumber && !literal.has_number) {
      return Expected(absl::StrCat("a number for '", name, "'"));
    }
    if (key.form == EventKey::Form::kAddress && literal.family == IpFamily::kNone) {
      return Expected(absl::StrCat("an address or a network (ADDR/LEN) for '", name, "'"));
    }
    if (key.form == EventKey::Form::kTime && !literal.realtime_ns.has_value()) {
      return Expected("a time like 2026-11-21T19:31:02Z");
    }
    RETURN_IF_ERROR(Next());
    return literal;
  }

  absl::StatusOr<Node> One(EventKey key, FilterOperator op, const Token& token) {
    const bool order = op != FilterOperator::kEqual;
    if (order && (key.form == EventKey::Form::kText || key.form == EventKey::Form::kAddress)) {
      return Error(token.column, absl::StrCat("'", key.name, "' is no number: '", token.text,
                                              "' does not compare it"));
    }
    RETURN_IF_ERROR(Next());
    const Token value = token_;
    ASSIGN_OR_RETURN(FilterLiteral literal, Literal(key));
    if (order && key.form == EventKey::Form::kAny && !literal.has_number) {
      return Error(value.column, absl::StrCat("'", token.text, "' compares numbers"));
    }
    std::vector<FilterLiteral> literals;
    literals.push_back(std::move(literal));
    return std::make_unique<Comparison>(std::move(key), op, std::move(literals), nullptr);
  }

  absl::StatusOr<Node> List(EventKey key) {
    RETURN_IF_ERROR(Next());
    if (!IsSymbol("(")) return Expected("'(' and values");
    std::vector<FilterLiteral> literals;
    do {
      RETURN_IF_ERROR(Next());
      ASSIGN_OR_RETURN(FilterLiteral literal, Literal(key));
      literals.push_back(std::move(literal));
    } while (IsSymbol(","));
    if (!IsSymbol(")")) return Expected("',' or ')'");
    RETURN_IF_ERROR(Next());
    return std::make_unique<Comparison>(std::move(key), FilterOperator::kEqual, std::move(literals),
                                        nullptr);
  }

  absl::StatusOr<Node> Regex(EventKey key) {
    RETURN_IF_ERROR(Next());
    if (token_.kind != Token::Kind::kQuoted && token_.kind != Token::Kind::kWord) {
      return Expected("a regular expression");
    }
    RE2::Options options;
    options.set_log_errors(false);
    options.set_encoding(RE2::Options::EncodingLatin1);  // names are bytes
    auto regex = std::make_unique<const RE2>(token_.text, options);
    if (!regex->ok()) {
      return Error(token_.column, absl::StrCat("no regular expression: ", regex->error()));
    }
    RETURN_IF_ERROR(Next());
    return std::make_unique<Comparison>(std::move(key), FilterOperator::kRegex,
                                        std::vector<FilterLiteral>(), std::move(regex));
  }

  const absl::string_view text_;
  size_t at_ = 0;
  Token token_;
  int depth_ = 0;
};

}  // namespace

absl::StatusOr<Filter> Filter::Parse(absl::string_view text) {
  auto root = Parser(text).Parse();
  if (!root.ok()) return root.status();
  Filter filter;
  filter.text_ = std::string(text);
  filter.root_ = *std::move(root);
  return filter;
}

Match Filter::Evaluate(const ValueSource& source) const { return root_->Evaluate(source); }

}  // namespace correlate
