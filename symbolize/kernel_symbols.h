// The kernel's text symbols, from the text of /proc/kallsyms: which function an address is in.
// kallsyms tells no sizes: a symbol ends where the next one begins, and an address beyond every
// plausible size is unknown. Immutable after Parse; about 24 bytes a symbol and one arena of names.
#ifndef SYMBOLIZE_KERNEL_SYMBOLS_H_
#define SYMBOLIZE_KERNEL_SYMBOLS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "symbolize/correlated_event.h"

namespace correlate {

class KernelSymbols {
 public:
  struct Symbol {
    absl::string_view name;    // lives as long as the table
    absl::string_view module;  // empty: the kernel itself
    uint64_t offset = 0;
    FrameKind kind = FrameKind::kKernel;
  };

  KernelSymbols() = default;  // knows nothing

  // `kallsyms`: lines "ADDRESS TYPE NAME [MODULE]" in any order; lines of another shape are passed
  // over. FailedPrecondition when all addresses are zero: kernel.kptr_restrict hides them.
  // Of several names for one address the first global one wins, else the first one.
  static absl::StatusOr<KernelSymbols> Parse(absl::string_view kallsyms);

  std::optional<Symbol> Lookup(uint64_t address) const;
  // Where the text of a function is, parts that the compiler split off (".cold", ".part.0")
  // included. The work of one pass over all symbols.
  struct TextRange {
    uint64_t begin = 0;
    uint64_t end = 0;
  };
  std::vector<TextRange> FindText(absl::string_view function) const;
  size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    uint64_t address;
    uint32_t name_offset;
    uint16_t name_size;
    uint16_t module;  // index into modules_
    bool text;        // data symbols bound the text symbols before them
    bool global;
  };
  absl::string_view Name(const Entry& entry) const;

  std::vector<Entry> entries_;  // by address, one an address
  std::string names_;
  std::vector<std::string> modules_;
};

// What kind of code a symbol of kallsyms' pseudo-module [bpf], or of a KSYMBOL record, is.
FrameKind BpfSymbolKind(absl::string_view name);

}  // namespace correlate

#endif  // SYMBOLIZE_KERNEL_SYMBOLS_H_
