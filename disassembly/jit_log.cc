#include "disassembly/jit_log.h"

#include <optional>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace correlate {
namespace {

// No JIT makes more of one program (BPF_MAXINSNS_... times the longest code of an instruction).
constexpr uint32_t kMostBytes = 64 << 20;
constexpr size_t kMostErrors = 100;

// What stands behind `key` up to a blank; nullopt: the line lacks it.
std::optional<absl::string_view> ValueOf(absl::string_view line, absl::string_view key) {
  size_t at = line.find(key);
  while (at != line.npos && at > 0 && line[at - 1] != ' ') at = line.find(key, at + 1);
  if (at == line.npos) return std::nullopt;
  line.remove_prefix(at + key.size());
  return line.substr(0, line.find(' '));
}

template <typename Number>
bool ReadDecimal(absl::string_view line, absl::string_view key, Number* number) {
  const auto value = ValueOf(line, key);
  return value.has_value() && absl::SimpleAtoi(*value, number);
}

// Two digits a byte, blanks between them.
bool ReadBytes(absl::string_view text, std::string* bytes) {
  for (const absl::string_view word : absl::StrSplit(text, ' ', absl::SkipEmpty())) {
    uint32_t value = 0;
    if (word.size() != 2 || !absl::SimpleHexAtoi(word, &value)) return false;
    *bytes += static_cast<char>(value);
  }
  return true;
}

class Parser {
 public:
  JitLog Parse(absl::string_view text) {
    for (absl::string_view line : absl::StrSplit(text, '\n')) {
      ++line_;
      absl::ConsumeSuffix(&line, "\r");
      constexpr absl::string_view kCode = "JIT code: ";
      const size_t code = line.find(kCode);
      if (code != line.npos) {
        AddCode(line.substr(code + kCode.size()));
      } else if (const size_t begin = line.find("flen="); begin != line.npos) {
        Begin(line.substr(begin));
      } else if (absl::StrContains(line, "JIT cod") || absl::StrContains(line, "proglen=")) {
        Complain("a line of a program's code that is cut");
      }
    }
    End();
    return std::move(log_);
  }

 private:
  void Complain(absl::string_view what) {
    if (log_.errors.size() < kMostErrors) {
      log_.errors.push_back(absl::StrCat("line ", line_, ": ", what));
    }
  }

  void Begin(absl::string_view line) {
    End();
    JitLogImage image;
    image.line = line_;
    const auto address = ValueOf(line, "image=");
    if (!ReadDecimal(line, "flen=", &image.instructions) ||
        !ReadDecimal(line, "proglen=", &image.bytes) || !ReadDecimal(line, "pass=", &image.pass) ||
        !address.has_value()) {
      return Complain("the head of a program lacks flen, proglen, pass or image: it is left out");
    }
    if (image.bytes > kMostBytes) {
      return Complain(absl::StrCat("proglen=", image.bytes, " is more than a program can be"));
    }
    // Newer kernels print "(____ptrval____)", or a number made of the address, which no table
    // knows.
    if (!absl::SimpleHexAtoi(*address, &image.address)) image.address = 0;
    image.from = std::string(ValueOf(line, "from=").value_or(""));
    ReadDecimal(line, "pid=", &image.pid);
    log_.images.push_back(std::move(image));
    open_ = true;
    broken_ = false;
  }

  void AddCode(absl::string_view text) {
    if (!open_) return Complain("code of a program whose head is missing");
    JitLogImage& image = log_.images.back();
    if (broken_) return;
    const std::pair<absl::string_view, absl::string_view> parts =
        absl::StrSplit(text, absl::MaxSplits(": ", 1));
    uint64_t offset = 0;
    if (!absl::SimpleHexAtoi(parts.first, &offset)) {
      broken_ = true;
      return Complain("code without its offset");
    }
    std::string bytes;
    if (offset != image.code.size()) {
      broken_ = true;
      return Complain(
          absl::StrFormat("code at offset 0x%x, but 0x%x comes next: a line is missing, "
                          "or another program's came between",
                          offset, image.code.size()));
    }
    if (!ReadBytes(parts.second, &bytes) || bytes.empty() ||
        bytes.size() > image.bytes - image.code.size()) {
      broken_ = true;
      return Complain("code that is cut, or longer than its head says");
    }
    constexpr size_t kLineBytes = 16;
    image.code += bytes;
    if (bytes.size() < kLineBytes && !image.whole()) {
      broken_ = true;
      Complain("code that is cut");
    }
  }

  void End() {
    if (open_ && !log_.images.back().whole() && !broken_) {
      Complain(absl::StrFormat("the program of line %d ends after %d of %d bytes",
                               log_.images.back().line, log_.images.back().code.size(),
                               log_.images.back().bytes));
    }
    open_ = false;
  }

  JitLog log_;
  size_t line_ = 0;
  bool open_ = false;    // the last image takes more
  bool broken_ = false;  // and has been complained about
};

}  // namespace

JitLog ParseJitLog(absl::string_view text) { return Parser().Parse(text); }

}  // namespace correlate
