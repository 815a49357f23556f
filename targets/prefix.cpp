#include "targets/prefix.h"

#include <algorithm>
#include <bit>
#include <optional>

#include "targets/host_name.h"
#include "targets/ipv6_prefix.h"
#include "targets/utf8.h"

namespace echoscan {
namespace {

constexpr std::uint32_t host_mask(unsigned prefix_length) {
  return prefix_length == 0 ? ~std::uint32_t{0} : (std::uint32_t{1} << (32 - prefix_length)) - 1;
}

bool has_leading_zero(std::string_view text) {
  for (std::size_t i = 0; i + 1 < text.size(); ++i)
    if (text[i] == '0' && text[i + 1] != '.' && (i == 0 || text[i - 1] == '.')) return true;
  return false;
}

// Why a dotted quad was refused, in words that help.
std::string address_error(std::string_view text) {
  const std::size_t colon = text.find(':');
  if (colon != std::string_view::npos && parse_ipv4(text.substr(0, colon)))
    return "'" + excerpt(text) + "' has a port, which a ping has not";
  if (const std::optional<Ipv4> address = embedded_ipv4(text))
    return "it is an IPv4 address in the form of IPv6; write " + to_string(*address);
  if (colon != std::string_view::npos &&
      text.find_first_not_of("0123456789abcdefABCDEF:.") == std::string_view::npos)
    return "IPv6 addresses are not probed, only IPv4 ones";
  if (text.find_first_not_of("0123456789.") == std::string_view::npos && has_leading_zero(text))
    return "'" + excerpt(text) +
           "' has a number with a leading zero, which some programs read as octal";
  std::string refusal =
      "'" + excerpt(text) + "' is not an IPv4 address (four numbers from 0 to 255)";
  if (!is_host_name(text)) return refusal;
  const std::string name = excerpt(text, text.size());
  return refusal + "; it may be the name of a host: `echoscan ping " + name +
         "` asks it, `dig +short " + name +
         "` prints its addresses, and --resolve looks all names up";
}

tl::expected<Ipv4, std::string> parse_address(std::string_view text) {
  if (const std::optional<Ipv4> address = parse_ipv4(text)) return *address;
  return tl::make_unexpected(address_error(text));
}

tl::expected<AddressRange, std::string> parse_cidr(std::string_view text, std::size_t slash) {
  const std::string_view length_text = trimmed(text.substr(slash + 1));
  const tl::expected<Ipv4, std::string> address = parse_address(trimmed(text.substr(0, slash)));
  if (!address) return tl::make_unexpected(address.error());
  const bool digits = !length_text.empty() && length_text.size() <= 2 &&
                      length_text.find_first_not_of("0123456789") == std::string_view::npos &&
                      (length_text.size() == 1 || length_text.front() != '0');
  unsigned length = 0;
  for (const char digit : length_text) length = length * 10 + static_cast<unsigned>(digit - '0');
  if (!digits || length > 32)
    return tl::make_unexpected("the prefix length behind '/' is a number from 0 to 32");
  const std::uint32_t mask = host_mask(length);
  if ((address->value & mask) != 0)
    return tl::make_unexpected("host bits are set; the network is " +
                               to_string(Ipv4{address->value & ~mask}) + "/" +
                               std::to_string(length));
  return AddressRange{*address, Ipv4{address->value | mask}};
}

tl::expected<AddressRange, std::string> parse_first_last(std::string_view text, std::size_t dash) {
  const tl::expected<Ipv4, std::string> first = parse_address(trimmed(text.substr(0, dash)));
  if (!first) return tl::make_unexpected(first.error());
  std::string last_text(trimmed(text.substr(dash + 1)));
  // 192.0.2.1-50: the last number of the last address. With blanks it may be a remark.
  if (!last_text.empty() && last_text.size() <= 3 &&
      text.find_first_of(kBlanks) == std::string_view::npos &&
      last_text.find_first_not_of("0123456789") == std::string::npos)
    last_text.insert(0, to_string(*first).substr(0, to_string(*first).rfind('.') + 1));
  const tl::expected<Ipv4, std::string> last = parse_address(last_text);
  if (!last) return tl::make_unexpected(last.error());
  if (*last < *first)
    return tl::make_unexpected("the range runs backwards; the other way round it is " +
                               to_string(*last) + "-" + to_string(*first));
  return AddressRange{*first, *last};
}

}  // namespace

tl::expected<AddressRange, std::string> parse_range(std::string_view text) {
  const std::size_t mark = text.find_first_of("/-");
  if (mark != std::string_view::npos && text[mark] == '/') return parse_cidr(text, mark);
  if (mark != std::string_view::npos) {
    tl::expected<AddressRange, std::string> range = parse_first_last(text, mark);
    // A name may have a dash in it, and is no range of two names.
    if (!range && is_host_name(text)) return tl::make_unexpected(address_error(text));
    return range;
  }
  const tl::expected<Ipv4, std::string> address = parse_address(text);
  if (!address) return tl::make_unexpected(address.error());
  return AddressRange{*address, *address};
}

std::string to_string(const AddressRange& range) {
  const std::uint64_t size = range.size();
  if (size == 1) return to_string(range.first);
  if (std::has_single_bit(size) && (range.first.value & (size - 1)) == 0)
    return to_string(range.first) + "/" + std::to_string(32 - std::countr_zero(size));
  return to_string(range.first) + "-" + to_string(range.last);
}

std::string excerpt(std::string_view text, std::size_t bytes_max) {
  return printable_text(utf8_prefix(text, bytes_max));
}

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

}  // namespace echoscan
