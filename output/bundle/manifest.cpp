#include "output/bundle/manifest.h"

#include <algorithm>

namespace echoscan {
namespace {

constexpr std::size_t kDigestDigits = 64;
constexpr std::size_t kPathBytesMax = 4096;
constexpr std::string_view kGap = "  ";

bool is_control_byte(char c) {
  return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
}

}  // namespace

std::string manifest_line(const ManifestLine& line) {
  return line.digest + std::string(kGap) + line.path + "\n";
}

std::string why_unsafe(std::string_view path) {
  if (path.empty()) return "it names no file";
  if (path.size() > kPathBytesMax) return "its name is too long";
  if (path.front() == '/') return "it is an absolute path, which leads out of the bundle";
  if (std::ranges::any_of(path, is_control_byte)) return "its name has a control character";
  // sha256sum writes such a name otherwise.
  if (path.find('\\') != path.npos) return "its name has a backslash";
  for (std::size_t begin = 0; begin <= path.size();) {
    const std::size_t end = std::min(path.find('/', begin), path.size());
    const std::string_view part = path.substr(begin, end - begin);
    if (part == "..") return "it leads out of the bundle";
    if (part.empty() || part == ".") return "it is another name of a file";
    begin = end + 1;
  }
  return {};
}

tl::expected<ManifestLine, std::string> parse_manifest_line(std::string_view line) {
  const auto is_digit = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
  const std::string_view digest = line.substr(0, kDigestDigits);
  if (digest.size() < kDigestDigits || !std::ranges::all_of(digest, is_digit))
    return tl::make_unexpected("it does not begin with a digest of 64 lower-case digits");
  line.remove_prefix(kDigestDigits);
  if (!line.starts_with(kGap))
    return tl::make_unexpected("there are no two blanks behind the digest");
  line.remove_prefix(kGap.size());
  if (const std::string why = why_unsafe(line); !why.empty()) return tl::make_unexpected(why);
  return ManifestLine{std::string(digest), std::string(line)};
}

}  // namespace echoscan
