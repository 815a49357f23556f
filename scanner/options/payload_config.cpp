#include "scanner/options/payload_config.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "scanner/options/option_group.h"
#include "scanner/process/user_error.h"
#include "targets/prefix.h"

namespace echoscan {
namespace {

constexpr std::string_view kHexPrefix = "0x";
// Those of RFC 9511, section 2.
constexpr std::string_view kSchemes[] = {"https://", "mailto:", "tel:"};

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// The bytes of "0x00ff", or of any other text itself; nothing when the digits are none.
std::optional<std::vector<std::uint8_t>> payload_bytes_of(std::string_view text) {
  if (text.empty()) return std::nullopt;
  if (!text.starts_with(kHexPrefix)) return std::vector<std::uint8_t>(text.begin(), text.end());
  text.remove_prefix(kHexPrefix.size());
  if (text.empty() || text.size() % 2 != 0) return std::nullopt;
  std::vector<std::uint8_t> bytes;
  for (std::size_t i = 0; i < text.size(); i += 2) {
    const int high = hex_digit(text[i]);
    const int low = hex_digit(text[i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    bytes.push_back(static_cast<std::uint8_t>(high << 4 | low));
  }
  return bytes;
}

// A URI has printable ASCII and no blank (RFC 3986), and something behind its scheme.
bool is_attribution(std::string_view text) {
  const auto scheme = std::ranges::find_if(
      kSchemes, [text](std::string_view name) { return text.starts_with(name); });
  return scheme != std::end(kSchemes) && text.size() > scheme->size() &&
         std::ranges::all_of(text, [](char c) { return c > ' ' && c <= '~'; });
}

}  // namespace

void add_payload_options(CLI::App& app, PayloadConfig& config) {
  OptionGroup group(app, "Network");
  group.value("--size", "BYTES",
              "Data of the ICMP message, 18 to 1472: 18 bytes are the probe's own [18, or what "
              "--payload and --attribution need]",
              [&config](const std::string& option, const std::string& text) {
                config.size = static_cast<std::size_t>(
                    parse_count(option, text, PROBE_PAYLOAD_BYTES, kProbeDataBytesMax));
              });
  group.value("--payload", "TEXT",
              "What follows the probe's own bytes, again and again up to --size; bytes as 0x00ff "
              "[zeros]",
              [&config](const std::string& option, const std::string& text) {
                if (!payload_bytes_of(text))
                  refuse(option, excerpt(text),
                         "a text, or bytes as an even number of hexadecimal digits behind 0x");
                config.text = text;
              });
  group.value("--attribution", "URI",
              "Say in each probe whose it is (RFC 9511), by an https, mailto or tel URI [not]",
              [&config](const std::string& option, const std::string& text) {
                if (!is_attribution(text))
                  refuse(option, excerpt(text),
                         "a URI that begins with https://, mailto: or tel:, without blanks");
                config.attribution = text;
              });
}

void settle_payload(PayloadConfig& config) {
  std::vector<std::uint8_t>& padding = config.padding;
  padding.clear();
  if (!config.attribution.empty()) {
    padding.push_back(0);
    padding.insert(padding.end(), config.attribution.begin(), config.attribution.end());
    padding.push_back(0);
  }
  const std::vector<std::uint8_t> filling =
      payload_bytes_of(config.text).value_or(std::vector<std::uint8_t>{});
  const std::size_t needed = PROBE_PAYLOAD_BYTES + padding.size() + filling.size();
  const std::size_t size = config.size.value_or(needed);
  if (size < needed || size > kProbeDataBytesMax)
    throw UserError(
        ExitCode::bad_usage,
        fmt::format("--size: the probe's own 18 bytes, and what --payload and --attribution put "
                    "behind them, are {} bytes, and there is room for {}",
                    needed, config.size.value_or(kProbeDataBytesMax)));
  for (std::size_t i = 0; PROBE_PAYLOAD_BYTES + padding.size() < size; ++i)
    padding.push_back(filling.empty() ? std::uint8_t{0} : filling[i % filling.size()]);
}

}  // namespace echoscan
