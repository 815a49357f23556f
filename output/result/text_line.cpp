#include "output/result/text_line.h"

#include <fmt/format.h>

#include <array>

#include "output/summary/figure_text.h"

namespace echoscan {
namespace {

// The codes of "destination unreachable".
constexpr std::array<std::string_view, 16> kUnreachableTexts{"network unreachable",
                                                             "host unreachable",
                                                             "protocol unreachable",
                                                             "port unreachable",
                                                             "packet too big",
                                                             "source route failed",
                                                             "network unknown",
                                                             "host unknown",
                                                             "source host isolated",
                                                             "network prohibited",
                                                             "host prohibited",
                                                             "network unreachable for this service",
                                                             "host unreachable for this service",
                                                             "prohibited by a filter",
                                                             "host precedence violation",
                                                             "precedence cutoff"};

constexpr int kTimeColumns = 8;  // of "999.9 ms"

char* pad(char* out, const char* begin, std::size_t columns) {
  while (static_cast<std::size_t>(out - begin) < columns) *out++ = ' ';
  return out;
}

// What an error says, and who.
char* write_error(char* out, const Result& result) {
  const std::string_view text = icmp_error_text(result.icmp_type, result.icmp_code);
  out = text.empty()
            ? fmt::format_to(out, "  ICMP type {} code {}", result.icmp_type, result.icmp_code)
            : fmt::format_to(out, "  {}", text);
  out = fmt::format_to(out, ", says ");
  return write_ipv4(out, result.responder);
}

char* write_reply(char* out, const Result& result) {
  out = fmt::format_to(out, "  {:>{}}  ttl {}", result.rtt_ns ? duration_text(*result.rtt_ns) : "",
                       kTimeColumns, result.ttl);
  if (result.off_target) out = write_ipv4(fmt::format_to(out, "  from "), result.responder);
  if (!result.rtt_trusted) out = fmt::format_to(out, "  payload changed");
  return out;
}

}  // namespace

std::string_view icmp_error_text(std::uint8_t icmp_type, std::uint8_t icmp_code) {
  const Classification kind = classification_of(icmp_type);
  if (kind == Classification::unreach && icmp_code < kUnreachableTexts.size())
    return kUnreachableTexts[icmp_code];
  if (kind == Classification::timxceed) return "time to live exceeded";
  return {};
}

char* write_text_line(char* out, const Result& result) {
  out = pad(write_ipv4(out, result.target), out, kIpv4TextBytesMax);
  const bool is_error = result.classification != Classification::echoreply;
  out = is_error ? write_error(out, result) : write_reply(out, result);
  if (result.repeat) out = fmt::format_to(out, "  again");
  if (!result.label.empty()) out = fmt::format_to(out, "  {}", result.label);
  *out++ = '\n';
  return out;
}

}  // namespace echoscan
