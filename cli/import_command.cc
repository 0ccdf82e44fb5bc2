#include "cli/import_command.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <iostream>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "base/errno_status.h"
#include "base/files.h"
#include "base/reader_sandbox.h"
#include "base/scoped_fd.h"
#include "base/status_macros.h"
#include "cli/exit_codes.h"
#include "cli/perf_data_import.h"
#include "proto/trace_writer.h"
#include "render/units.h"

namespace correlate {
namespace {

struct Flags {
  std::string input = "perf.data";
  std::string output = "bpftrace-correlate.pb";
  std::string kallsyms;
};

// A file in memory as far as it is looked at. What comes through a pipe is laid on disk first.
class MappedFile {
 public:
  static absl::StatusOr<std::unique_ptr<MappedFile>> Open(const std::string& path) {
    const bool pipe = path == "-";
    ScopedFd fd(pipe ? dup(STDIN_FILENO) : open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (fd.get() < 0) return ErrnoStatus(errno, "cannot open " + path);
    struct stat status;
    if (fstat(fd.get(), &status) != 0) return ErrnoStatus(errno, "cannot read " + path);
    if (!S_ISREG(status.st_mode)) {
      ASSIGN_OR_RETURN(fd, Spool(fd.get(), path));
      if (fstat(fd.get(), &status) != 0) return ErrnoStatus(errno, "cannot read " + path);
    }
    const auto size = static_cast<size_t>(status.st_size);
    if (size == 0) return absl::DataLossError(absl::StrCat(path, " is empty"));
    void* bytes = mmap(nullptr, size, PROT_READ, MAP_PRIVATE, fd.get(), 0);
    if (bytes == MAP_FAILED) return ErrnoStatus(errno, "cannot map " + path);
    madvise(bytes, size, MADV_SEQUENTIAL);
    return std::unique_ptr<MappedFile>(new MappedFile(bytes, size));
  }
  ~MappedFile() { munmap(bytes_, size_); }
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  absl::string_view bytes() const { return {static_cast<const char*>(bytes_), size_}; }

 private:
  MappedFile(void* bytes, size_t size) : bytes_(bytes), size_(size) {}

  static absl::StatusOr<ScopedFd> Spool(int from, const std::string& path) {
    const char* folder = getenv("TMPDIR");
    ScopedFd to(open(folder != nullptr ? folder : "/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
    if (to.get() < 0) {
      return ErrnoStatus(errno, "cannot make a temporary file for what comes from " + path);
    }
    std::string block(1 << 20, '\0');
    for (;;) {
      const ssize_t got = read(from, block.data(), block.size());
      if (got == 0) return to;
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return ErrnoStatus(errno, "cannot read " + path);
      for (ssize_t done = 0; done < got;) {
        const ssize_t put = write(to.get(), block.data() + done, static_cast<size_t>(got - done));
        if (put < 0) return ErrnoStatus(errno, "cannot lay down what comes from " + path);
        done += put;
      }
    }
  }

  void* const bytes_;
  const size_t size_;
};

int Fail(const absl::Status& status) {
  std::cerr << "bpftrace-correlate import: " << status.message() << "\n";
  return kExitFailure;
}

int RunImport(const Flags& flags) {
  const auto file = MappedFile::Open(flags.input);
  if (!file.ok()) return Fail(file.status());
  // Of this host, unless it is said otherwise: used only where the kernel lies at the same place.
  const auto kallsyms = ReadFile(flags.kallsyms.empty() ? "/proc/kallsyms" : flags.kallsyms);
  if (!kallsyms.ok() && !flags.kallsyms.empty()) return Fail(kallsyms.status());
  EnterReaderSandbox().IgnoreError();  // where there is none, it is read without
  const auto writer = TraceWriter::Create(flags.output);
  if (!writer.ok()) return Fail(writer.status());
  const auto imported =
      ImportPerfData((*file)->bytes(), kallsyms.ok() ? *kallsyms : std::string(), **writer);
  const absl::Status closed = (*writer)->Close();
  if (!imported.ok()) {
    if (flags.output != "-") unlink(flags.output.c_str());
    return Fail(absl::Status(imported.status().code(),
                             absl::StrCat(flags.input, ": ", imported.status().message())));
  }
  if (!closed.ok()) return Fail(closed);
  if (!imported->damage.ok()) {
    std::cerr << "bpftrace-correlate import: " << flags.input << ": " << imported->damage.message()
              << "; what is before was imported\n";
  }
  std::cerr << "[ bpftrace-correlate import: " << imported->events << " events (" << imported->lost
            << " lost, " << imported->foreign_samples << " of other events left out, "
            << imported->malformed << " senseless)"
            << (imported->kernel_symbols ? "" : ", without kernel symbols (--kallsyms)") << ", "
            << FormatMegabytes((*writer)->bytes_written()) << " -> " << flags.output << " ]\n";
  return imported->damage.ok() && imported->malformed == 0 ? kExitSuccess : kExitDamaged;
}

}  // namespace

void AddImportCommand(CLI::App& app, int* exit_code) {
  auto flags = std::make_shared<Flags>();
  CLI::App* command = app.add_subcommand("import", "A trace from a file of `perf record`");
  command->add_option("PERF.DATA", flags->input, "The file; - is stdin")->capture_default_str();
  command->add_option("-o,--output", flags->output, "The trace; - is stdout")
      ->capture_default_str();
  command
      ->add_option("--kallsyms", flags->kallsyms,
                   "A copy of /proc/kallsyms of the recording host, of the same boot: names for\n"
                   "kernel addresses (default: this host's, if its kernel lies at the same place)")
      ->type_name("FILE");
  command->callback([flags, exit_code] { *exit_code = RunImport(*flags); });
}

}  // namespace correlate
