// A std::ostream over a descriptor that remembers why writing failed, which std::ofstream does not.
// Borrows the descriptor. One thread.
#ifndef BASE_FD_STREAM_H_
#define BASE_FD_STREAM_H_

#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <ostream>
#include <streambuf>
#include <vector>

namespace correlate {

class FdStream : public std::ostream {
 public:
  explicit FdStream(int fd) : std::ostream(&buffer_), buffer_(fd) {}
  ~FdStream() override { flush(); }
  // errno of the first write that failed; 0: none did. After flush().
  int error() const { return buffer_.error(); }

 private:
  class Buffer : public std::streambuf {
   public:
    explicit Buffer(int fd) : fd_(fd), block_(kBlockBytes) {
      setp(block_.data(), block_.data() + block_.size());
    }
    int error() const { return error_; }

   protected:
    int_type overflow(int_type c) override {
      if (sync() != 0) return traits_type::eof();
      if (!traits_type::eq_int_type(c, traits_type::eof())) sputc(traits_type::to_char_type(c));
      return traits_type::not_eof(c);
    }
    int sync() override {
      const char* from = pbase();
      while (from < pptr() && error_ == 0) {
        const ssize_t written = ::write(fd_, from, static_cast<size_t>(pptr() - from));
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) error_ = errno;
        if (written > 0) from += written;
      }
      setp(block_.data(), block_.data() + block_.size());
      return error_ == 0 ? 0 : -1;
    }

   private:
    static constexpr size_t kBlockBytes = 256 * 1024;
    const int fd_;
    std::vector<char> block_;
    int error_ = 0;
  };
  Buffer buffer_;
};

}  // namespace correlate

#endif  // BASE_FD_STREAM_H_
