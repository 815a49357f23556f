// What a probe carries behind its own 18 bytes: --size, --payload, --attribution.
//
// A size is that of the ICMP message's data, as ping's -s and fping's -b count it, so 18 is the
// least. The URI of RFC 9511 says to whom a probe belongs; the document has it begin the data, or
// stand behind an octet of zero where something else has to begin it, as the proof has here, and
// end with one. Rejected: to put the proof behind the text, since an ICMP error quotes the begin of
// the data, and a size that counts headers, which is nobody's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "bpf/match_reply.h"

namespace CLI {
class App;
}

namespace echoscan {

// What fits into an Ethernet's frame, and what an answer is looked at up to.
inline constexpr std::size_t kProbeDataBytesMax =
    std::size_t{MATCH_ICMP_BYTES_MAX} - PROBE_ICMP_BYTES;

struct PayloadConfig {
  std::optional<std::size_t> size;  // as given
  std::string text;                 // --payload, as given
  std::string attribution;          // a URI; empty: none
  // What follows the probe's own bytes. After settle_payload().
  std::vector<std::uint8_t> padding;
};

// `config` must outlive the parsing.
void add_payload_options(CLI::App& app, PayloadConfig& config);
// Puts the padding together. Throws UserError when all of it does not fit.
void settle_payload(PayloadConfig& config);

}  // namespace echoscan
