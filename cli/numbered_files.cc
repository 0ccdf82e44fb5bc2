#include "cli/numbered_files.h"

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <system_error>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/strip.h"
#include "base/status_macros.h"
#include "proto/chunk.h"

namespace correlate {
namespace {

constexpr size_t kDigits = 6;

bool IsTrace(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string head(kChunkHeadBytes, '\0');
  file.read(head.data(), static_cast<std::streamsize>(head.size()));
  return file.gcount() == 0 ||
         LooksLikeChunk(absl::string_view(head).substr(0, static_cast<size_t>(file.gcount())));
}

}  // namespace

absl::StatusOr<NumberedFiles> NumberedFiles::Open(const std::string& path, uint32_t most) {
  NumberedFiles files(path, most);
  ASSIGN_OR_RETURN(const std::vector<uint64_t> present, NumbersAt(path));
  if (!present.empty()) files.number_ = present.back();
  return files;
}

std::string NumberedFiles::NameAt(const std::string& path, uint64_t number) {
  return absl::StrCat(path, absl::StrFormat(".%06d", number));
}

absl::StatusOr<std::vector<uint64_t>> NumberedFiles::NumbersAt(const std::string& of) {
  const std::filesystem::path path(of);
  const std::filesystem::path folder = path.has_parent_path() ? path.parent_path() : ".";
  const std::string prefix = path.filename().string() + ".";
  std::vector<uint64_t> numbers;
  std::error_code error;
  for (std::filesystem::directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    absl::string_view digits = name;
    uint64_t number;
    if (absl::ConsumePrefix(&digits, prefix) && digits.size() >= kDigits &&
        std::all_of(digits.begin(), digits.end(), [](char c) { return c >= '0' && c <= '9'; }) &&
        absl::SimpleAtoi(digits, &number) && number < UINT64_MAX) {
      numbers.push_back(number);
    }
  }
  if (error) {
    return absl::FailedPreconditionError(absl::StrCat("the folder ", folder.string(), " of ", of,
                                                      " cannot be read: ", error.message(),
                                                      "; choose another place with --output"));
  }
  std::sort(numbers.begin(), numbers.end());
  return numbers;
}

absl::StatusOr<std::unique_ptr<TraceWriter>> NumberedFiles::Next() {
  ASSIGN_OR_RETURN(std::unique_ptr<TraceWriter> writer, TraceWriter::Create(NameOf(number_ + 1)));
  ++number_;
  ++made_;
  DeleteOldest();
  return writer;
}

void NumberedFiles::DeleteOldest() {
  if (most_ == 0) return;
  const auto present = NumbersAt(path_);
  if (!present.ok()) return;
  for (size_t i = 0; i + most_ < present->size(); ++i) {
    const std::string name = NameOf((*present)[i]);
    if ((*present)[i] < number_ && IsTrace(name)) unlink(name.c_str());
  }
}

std::string NumberedFiles::Describe() const {
  if (made_ == 0) return "";
  const uint32_t there = most_ == 0 ? made_ : std::min(made_, most_);
  if (there == 1) return NameOf(number_);
  return absl::StrCat(NameOf(number_ - there + 1), " to ", NameOf(number_));
}

}  // namespace correlate
