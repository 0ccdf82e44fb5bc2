#include "proto/trace_merge.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "absl/strings/str_cat.h"
#include "base/errno_status.h"
#include "base/scoped_fd.h"
#include "base/status_macros.h"
#include "proto/chunk.h"
#include "proto/chunk_stream.h"

namespace correlate {

absl::StatusOr<TraceMerge::Appended> TraceMerge::Append(const std::string& path) {
  ScopedFd fd(path == "-" ? dup(STDIN_FILENO) : open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) return ErrnoStatus(errno, "cannot open " + path);
  ChunkStream chunks(FdSource(std::move(fd), path));
  Appended appended;
  for (;;) {
    ChunkHeader header;
    std::string payload;
    ASSIGN_OR_RETURN(const bool more, chunks.Next(&header, &payload));
    if (!more) break;
    if (!seen_.insert({header.recording_id, header.sequence}).second) {
      ++appended.doubles;
      continue;
    }
    ASSIGN_OR_RETURN(const std::string bytes, EncodeChunk(header, payload));
    if (!out_->write(bytes.data(), static_cast<std::streamsize>(bytes.size()))) break;
    ++appended.chunks;
  }
  appended.skipped_bytes = chunks.skipped_bytes();
  if (!chunks.saw_chunk()) return absl::DataLossError(absl::StrCat(path, " is no trace"));
  return appended;
}

}  // namespace correlate
