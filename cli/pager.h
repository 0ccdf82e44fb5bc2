// Shows what goes to stdout in a pager where that is a terminal: $PAGER, else less, as git(1) does.
// It comes when there is something to show; what is said on stderr before stands on the terminal.
// To be made before a trace is read, which ends the starting of programs (base/reader_sandbox.h).
// Set PAGER=cat for none. From its beginning to its end, stdout leads there; the destructor flushes
// std::cout and waits until the user has read it. One at a time, on the main thread.
#ifndef CLI_PAGER_H_
#define CLI_PAGER_H_

#include <sys/types.h>

namespace correlate {

class Pager {
 public:
  Pager();
  ~Pager();
  Pager(const Pager&) = delete;
  Pager& operator=(const Pager&) = delete;

 private:
  pid_t pid_ = -1;     // -1: there is none
  int terminal_ = -1;  // stdout as it was
};

}  // namespace correlate

#endif  // CLI_PAGER_H_
