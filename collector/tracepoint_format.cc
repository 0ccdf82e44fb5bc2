#include "collector/tracepoint_format.h"

#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

extern "C" {
#include <traceevent/event-parse.h>
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

// The field that an argument prints: itself, its name from a table, or its string.
const char* PrintedField(const tep_print_arg* arg) {
  if (arg == nullptr) return nullptr;
  switch (arg->type) {
    case TEP_PRINT_SYMBOL:
      return FieldOf(arg->symbol.field);
    case TEP_PRINT_STRING:
      return arg->string.string;
    default:
      return FieldOf(arg);
  }
}

// Takes the print fmt apart. An argument that is more than a field (an expression, a hex dump)
// makes the whole thing unusable: a text with holes would mislead.
std::vector<PrintPiece> TakePrint(const tep_print_fmt& print_fmt,
                                  std::vector<FormatField>* fields) {
  std::vector<PrintPiece> pieces;
  if (print_fmt.format == nullptr) return pieces;
  std::string literal;
  const auto flush = [&] {
    if (!literal.empty()) pieces.push_back({.literal = std::move(literal)});
    literal.clear();
  };
  const tep_print_arg* arg = print_fmt.args;
  for (const char* at = print_fmt.format; *at != '\0'; ++at) {
    // libtraceevent keeps the escapes of the C string.
    if (*at == '\\' && at[1] != '\0') {
      ++at;
      literal += *at == 'n' ? ' ' : *at == 't' ? '\t' : *at;
      continue;
    }
    if (*at != '%') {
      literal += *at;
      continue;
    }
    if (at[1] == '%') {
      literal += *at++;
      continue;
    }
    const char* end = at + 1;
    while (*end != '\0' && std::strchr("-+ #0123456789.lhzL", *end) != nullptr) ++end;
    if (*end == '\0') return {};
    const bool code = *end == 'p' && end[1] != '\0' && std::strchr("sSfFB", end[1]) != nullptr;
    if (code) ++end;
    FormatField* field = Find(fields, PrintedField(arg));
    if (field == nullptr) return {};
    field->is_code |= code;
    flush();
    pieces.push_back({.field = field->name, .conversion = std::string(at, end + 1)});
    at = end;
    arg = arg->next;
  }
  flush();
  return pieces;
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
  format.print = TakePrint(event->print_fmt, &format.fields);
  // Older kernels print it with %p, and it is the caller's address all the same
  // (include/trace/events/skb.h).
  if (format.system == "skb" && format.name == "kfree_skb") {
    if (FormatField* location = Find(&format.fields, "location")) location->is_code = true;
  }
  return format;
}

}  // namespace correlate
