#include "output/json_line.h"

#include <fmt/compile.h>
#include <fmt/format.h>

#include <string_view>

namespace echoscan {
namespace {

// Six bytes for one at most: a quarter of a line for a label that is all control characters.
char* write_escaped(char* out, std::string_view text) {
  for (const char c : text.substr(0, kLabelBytesMax)) {
    if (c == '"' || c == '\\') *out++ = '\\';
    if (static_cast<unsigned char>(c) < ' ') {
      out = fmt::format_to(out, FMT_COMPILE("\\u{:04x}"), static_cast<unsigned>(c));
    } else {
      *out++ = c;
    }
  }
  return out;
}

}  // namespace

char* write_json_line(char* out, const Result& result) {
  char target[kIpv4TextBytesMax];
  char responder[kIpv4TextBytesMax];
  const auto target_bytes = static_cast<std::size_t>(write_ipv4(target, result.target) - target);
  const auto responder_bytes =
      static_cast<std::size_t>(write_ipv4(responder, result.responder) - responder);
  out = fmt::format_to(
      out,
      FMT_COMPILE("{{\"type\":\"reply\",\"ts_us\":{},\"target\":\"{}\",\"saddr\":\"{}\","
                  "\"classification\":\"echoreply\",\"icmp_type\":{},\"icmp_code\":{},"
                  "\"success\":true,\"repeat\":{},\"cooldown\":{}"),
      result.received_us, std::string_view(target, target_bytes),
      std::string_view(responder, responder_bytes), result.icmp_type, result.icmp_code,
      result.repeat, result.cooldown);
  if (result.rtt_ns)
    out = fmt::format_to(out, FMT_COMPILE(",\"rtt_us\":{}.{:03}"), *result.rtt_ns / 1000,
                         *result.rtt_ns % 1000);
  out = fmt::format_to(out, FMT_COMPILE(",\"ttl\":{}"), result.ttl);
  if (!result.label.empty()) {
    out = fmt::format_to(out, FMT_COMPILE(",\"label\":\""));
    out = write_escaped(out, result.label);
    *out++ = '"';
  }
  return fmt::format_to(out, FMT_COMPILE(",\"shard\":{}}}\n"), result.shard);
}

}  // namespace echoscan
