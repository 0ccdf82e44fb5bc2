// The one line that the kernel's print fmt makes of an event, as `perf script` shows it.
// Conversions come from the trace and are not trusted: one that is unknown prints its field in the
// plain way.
#ifndef CLI_EVENT_TEXT_H_
#define CLI_EVENT_TEXT_H_

#include <string>

#include "symbolize/correlated_event.h"

namespace correlate {

// "skbaddr=0xffff888106875700 rx_sk=(nil) protocol=2048 location=__udp4_lib_rcv+0x4bc reason: ...".
// Where the format has no usable print fmt, every field as NAME=VALUE; where there is no format,
// the bytes in hexadecimal. Not escaped: see Printable.
std::string EventText(const CorrelatedEvent& event);

}  // namespace correlate

#endif  // CLI_EVENT_TEXT_H_
