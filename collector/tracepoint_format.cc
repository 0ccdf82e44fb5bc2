#include "collector/tracepoint_format.h"

#include <cstring>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

extern "C" {
#include <traceevent/event-parse.h>
#include <traceevent/trace-seq.h>
}

namespace correlate {
namespace {

struct FreeTep {
  void operator()(tep_handle* tep) const { tep_free(tep); }
};
using Tep = std::unique_ptr<tep_handle, FreeTep>;

Tep NewTep() {
  tep_set_loglevel(TEP_LOG_NONE);
  Tep tep(tep_alloc());
  if (tep == nullptr) return tep;
  tep_set_long_size(tep.get(), 8);
  tep_set_page_size(tep.get(), 4096);
  tep_set_file_bigendian(tep.get(), TEP_LITTLE_ENDIAN);
  tep_set_local_bigendian(tep.get(), TEP_LITTLE_ENDIAN);
  return tep;
}

// The event of the text, owned by `tep`; null if even its fields could not be read.
tep_event* Parse(tep_handle* tep, absl::string_view system, absl::string_view text) {
  const std::string system_name(system);
  const std::string copy(text);  // libtraceevent wants a NUL behind it
  if (tep_parse_event(tep, copy.c_str(), copy.size(), system_name.c_str()) != 0 &&
      tep_get_events_count(tep) == 0) {
    return nullptr;
  }
  return tep_get_events_count(tep) > 0 ? tep_get_event(tep, 0) : nullptr;
}

const char* FieldOf(const tep_print_arg* arg) {
  while (arg != nullptr && arg->type == TEP_PRINT_TYPE) arg = arg->typecast.item;
  if (arg == nullptr || arg->type != TEP_PRINT_FIELD) return nullptr;
  return arg->field.name;
}

FormatField* Find(std::vector<FormatField>* fields, const char* name) {
  if (name == nullptr) return nullptr;
  for (FormatField& field : *fields) {
    if (field.name == name) return &field;
  }
  return nullptr;
}

// __print_symbolic tables stand in the arguments of the print fmt.
void TakeNames(const tep_print_arg* arg, std::vector<FormatField>* fields) {
  for (; arg != nullptr; arg = arg->next) {
    if (arg->type != TEP_PRINT_SYMBOL) continue;
    FormatField* field = Find(fields, FieldOf(arg->symbol.field));
    if (field == nullptr || !field->names.empty()) continue;
    for (const tep_print_flag_sym* symbol = arg->symbol.symbols; symbol != nullptr;
         symbol = symbol->next) {
      if (symbol->value == nullptr || symbol->str == nullptr) continue;
      char* end = nullptr;
      // Values are C expressions; those that are no plain number ("((void *)0)") end the table.
      const long long value = std::strtoll(symbol->value, &end, 0);
      if (end == symbol->value || *end != '\0') continue;
      if (absl::StartsWith(symbol->str, "(")) continue;
      field->names.emplace_back(value, symbol->str);
    }
  }
}

// Which arguments are printed with %pS and its kin (Documentation/core-api/printk-formats.rst).
void TakeCodePointers(const char* format, const tep_print_arg* arg,
                      std::vector<FormatField>* fields) {
  if (format == nullptr) return;
  for (const char* at = format; *at != '\0' && arg != nullptr; ++at) {
    if (*at != '%') continue;
    ++at;
    if (*at == '%') continue;
    while (*at != '\0' && std::strchr("-+ #0123456789.*lhzL", *at) != nullptr) ++at;
    if (*at == '\0') return;
    if (*at == 'p' && at[1] != '\0' && std::strchr("sSfFB", at[1]) != nullptr) {
      FormatField* field = Find(fields, FieldOf(arg));
      if (field != nullptr) field->is_code = true;
    }
    arg = arg->next;
  }
}

FormatField Describe(const tep_format_field& field) {
  FormatField described;
  described.name = field.name;
  described.type = field.type;
  described.offset = static_cast<uint32_t>(field.offset);
  described.size = static_cast<uint32_t>(field.size);
  described.is_signed = field.flags & TEP_FIELD_IS_SIGNED;
  described.is_pointer = field.flags & TEP_FIELD_IS_POINTER;
  described.is_array = field.flags & TEP_FIELD_IS_ARRAY;
  described.is_string = field.flags & TEP_FIELD_IS_STRING;
  described.is_dynamic = field.flags & TEP_FIELD_IS_DYNAMIC;
  return described;
}

}  // namespace

absl::StatusOr<EventFormat> ParseEventFormat(absl::string_view system, absl::string_view text) {
  const Tep tep = NewTep();
  if (tep == nullptr) return absl::ResourceExhaustedError("libtraceevent: out of memory");
  const tep_event* event = Parse(tep.get(), system, text);
  if (event == nullptr || event->name == nullptr) {
    return absl::InvalidArgumentError(
        absl::StrCat("the format of a tracepoint of ", system, " cannot be read"));
  }
  EventFormat format;
  format.system = std::string(system);
  format.name = event->name;
  format.text = std::string(text);
  for (const tep_format_field* list : {event->format.common_fields, event->format.fields}) {
    for (const tep_format_field* field = list; field != nullptr; field = field->next) {
      format.fields.push_back(Describe(*field));
    }
  }
  TakeNames(event->print_fmt.args, &format.fields);
  TakeCodePointers(event->print_fmt.format, event->print_fmt.args, &format.fields);
  return format;
}

bool FieldsWithin(const EventFormat& format, absl::Span<const uint8_t> raw) {
  for (const FormatField& field : format.fields) {
    if (field.offset > raw.size() || field.size > raw.size() - field.offset) return false;
    if (!field.is_dynamic) continue;
    if (field.size != sizeof(uint32_t)) return false;
    uint32_t location;
    std::memcpy(&location, raw.data() + field.offset, sizeof location);
    uint64_t offset = location & 0xffff;
    const uint64_t length = location >> 16;
    // __rel_loc counts from behind the field (include/trace/stages/stage1_struct_define.h).
    if (absl::StrContains(field.type, "__rel_loc")) offset += field.offset + field.size;
    if (offset + length > raw.size()) return false;
  }
  return true;
}

class TracepointPrinter::Parsed {
 public:
  static std::unique_ptr<Parsed> Create(const EventFormat& format) {
    auto parsed = std::make_unique<Parsed>();
    parsed->tep_ = NewTep();
    if (parsed->tep_ == nullptr || format.text.empty()) return nullptr;
    parsed->event_ = Parse(parsed->tep_.get(), format.system, format.text);
    if (parsed->event_ == nullptr) return nullptr;
    // What is checked against the bytes must be what libtraceevent will read.
    const auto again = ParseEventFormat(format.system, format.text);
    if (!again.ok()) return nullptr;
    parsed->checked_ = *again;
    return parsed;
  }

  bool Fits(absl::Span<const uint8_t> raw) const { return FieldsWithin(checked_, raw); }

  std::string Print(absl::Span<const uint8_t> raw, CodeNamer namer) {
    namer_ = &namer;
    tep_set_function_resolver(tep_.get(), &Parsed::Name, this);
    tep_record record = {};
    record.size = static_cast<int>(raw.size());
    // libtraceevent does not write to it; its type is historical.
    record.data = const_cast<uint8_t*>(raw.data());
    trace_seq text;
    trace_seq_init(&text);
    tep_print_event(tep_.get(), &text, &record, "%s", TEP_PRINT_INFO);
    std::string printed(text.buffer, text.len);
    trace_seq_destroy(&text);
    tep_reset_function_resolver(tep_.get());
    return printed;
  }

 private:
  static char* Name(void* self, unsigned long long* address, char** module) {
    auto* parsed = static_cast<Parsed*>(self);
    CodeName name;
    if (!(*parsed->namer_)(*address, &name)) return nullptr;
    *address = name.start;
    *module = nullptr;
    parsed->symbol_ = std::move(name.symbol);
    return parsed->symbol_.data();
  }

  Tep tep_;
  tep_event* event_ = nullptr;  // owned by tep_
  EventFormat checked_;
  const CodeNamer* namer_ = nullptr;  // during Print
  std::string symbol_;
};

TracepointPrinter::TracepointPrinter(const EventFormat& format)
    : parsed_(Parsed::Create(format)) {}

TracepointPrinter::~TracepointPrinter() = default;

std::string TracepointPrinter::Print(absl::Span<const uint8_t> raw, CodeNamer namer) {
  if (parsed_ != nullptr && parsed_->Fits(raw)) return parsed_->Print(raw, namer);
  return absl::StrCat("raw=", absl::BytesToHexString(absl::string_view(
                                  reinterpret_cast<const char*>(raw.data()), raw.size())));
}

}  // namespace correlate
