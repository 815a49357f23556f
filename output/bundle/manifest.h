// The lines of a bag's manifests (RFC 8493): "digest  path", as sha256sum writes and checks them.
//
// A manifest comes from others, and names files that are then opened: a path that could lead out of
// the bag is refused, whatever is there. Lines are read as strictly as echoscan writes them, with
// two blanks and lower-case digits, so that no byte of a manifest can change unseen. Rejected: the
// upper-case digits, tabs and encoded line ends that the RFC also allows; no bundle has them.
#pragma once

#include <string>
#include <string_view>
#include <tl/expected.hpp>

namespace echoscan {

struct ManifestLine {
  std::string digest;  // 64 hexadecimal digits
  std::string path;    // below the bag's folder
};

// Newline at the end.
std::string manifest_line(const ManifestLine& line);

// Reads a line without its newline. The error is a clause that says what is wrong.
tl::expected<ManifestLine, std::string> parse_manifest_line(std::string_view line);

// Why a path may lead out of the folder that it is below, a clause; empty: it cannot.
std::string why_unsafe(std::string_view path);

}  // namespace echoscan
