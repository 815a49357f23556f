#include "tests/output/mmdb_writer.h"

#include <fstream>
#include <random>

namespace echoscan {
namespace {

using Json = nlohmann::json;

enum DataType : unsigned {
  kString = 2,
  kUint16 = 5,
  kUint32 = 6,
  kMap = 7,
  kUint64 = 9,
  kArray = 11
};

// The control byte: the type in its upper three bits (0: in the next byte, less 7), the size below.
void append_control(std::string& out, DataType type, std::size_t size) {
  const auto size_bits = static_cast<unsigned>(size < 29 ? size : size < 285 ? 29 : 30);
  out += static_cast<char>((type <= kMap ? type << 5 : 0) | size_bits);
  if (type > kMap) out += static_cast<char>(type - 7);
  if (size_bits == 29) out += static_cast<char>(size - 29);
  if (size_bits == 30) {
    out += static_cast<char>((size - 285) >> 8);
    out += static_cast<char>(size - 285);
  }
}

void append_number(std::string& out, DataType type, std::uint64_t number) {
  std::string bytes;
  for (; number > 0; number >>= 8) bytes.insert(bytes.begin(), static_cast<char>(number));
  append_control(out, type, bytes.size());
  out += bytes;
}

void append_value(std::string& out, const Json& value) {
  if (value.is_object()) {
    append_control(out, kMap, value.size());
    for (const auto& [key, member] : value.items()) {
      append_value(out, key);
      append_value(out, member);
    }
  } else if (value.is_array()) {
    append_control(out, kArray, value.size());
    for (const Json& element : value) append_value(out, element);
  } else if (value.is_string()) {
    const std::string text = value.get<std::string>();
    append_control(out, kString, text.size());
    out += text;
  } else {
    append_number(out, kUint32, value.get<std::uint32_t>());
  }
}

void append_big_endian(std::string& out, std::uint64_t number, int bytes) {
  for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8)
    out += static_cast<char>(number >> shift);
}

// The same for addresses that are close: systems and countries have blocks, not single networks.
std::uint64_t neighbourhood(std::uint64_t address, unsigned shift) {
  return ((address >> shift) * 0x9e3779b97f4a7c15) >> 40;
}

}  // namespace

MmdbWriter::MmdbWriter(std::string kind, unsigned ip_version, unsigned record_bits)
    : kind_(std::move(kind)), ip_version_(ip_version), record_bits_(record_bits) {}

void MmdbWriter::add(Ipv4 first, unsigned prefix_bits, const Json& record) {
  const auto [offset, is_new] =
      offsets_.try_emplace(record.dump(), static_cast<std::int64_t>(data_.size()));
  if (is_new) append_value(data_, record);
  const unsigned skipped = ip_version_ == 6 ? 96 : 0;
  std::size_t node = 0;
  for (unsigned depth = 0;; ++depth) {
    const unsigned bit = depth < skipped ? 0 : first.value >> (31 - (depth - skipped)) & 1;
    std::int64_t& child = nodes_[node][bit];
    if (depth + 1 == skipped + prefix_bits) {
      child = -2 - offset->second;
      return;
    }
    if (child < 0) {
      // What was said of the whole is said of both halves.
      const std::int64_t inherited = child;
      child = static_cast<std::int64_t>(nodes_.size());
      node = nodes_.size();
      nodes_.push_back({inherited, inherited});
    } else {
      node = static_cast<std::size_t>(child);
    }
  }
}

std::uint64_t MmdbWriter::record_value(std::int64_t child) const {
  constexpr std::uint64_t kSeparatorBytes = 16;
  if (child >= 0) return static_cast<std::uint64_t>(child);
  if (child == kEmpty) return nodes_.size();
  return nodes_.size() + kSeparatorBytes + static_cast<std::uint64_t>(-2 - child);
}

std::string MmdbWriter::bytes() const {
  std::string out;
  for (const Node& node : nodes_) {
    const std::uint64_t left = record_value(node[0]);
    const std::uint64_t right = record_value(node[1]);
    if (record_bits_ == 28) {
      append_big_endian(out, left & 0xffffff, 3);
      out += static_cast<char>((left >> 24) << 4 | right >> 24);
      append_big_endian(out, right & 0xffffff, 3);
    } else {
      append_big_endian(out, left, static_cast<int>(record_bits_ / 8));
      append_big_endian(out, right, static_cast<int>(record_bits_ / 8));
    }
  }
  out.append(16, '\0');
  out += data_;
  out += "\xab\xcd\xefMaxMind.com";
  append_control(out, kMap, 9);
  append_value(out, "database_type");
  append_value(out, kind_);
  append_value(out, "description");
  append_value(out, Json{{"en", "made for a test"}});
  append_value(out, "languages");
  append_value(out, Json::array({"en"}));
  const auto append_entry = [&out](const char* key, DataType type, std::uint64_t number) {
    append_value(out, key);
    append_number(out, type, number);
  };
  append_entry("binary_format_major_version", kUint16, 2);
  append_entry("binary_format_minor_version", kUint16, 0);
  append_entry("build_epoch", kUint64, 1'700'000'000);
  append_entry("ip_version", kUint16, ip_version_);
  append_entry("node_count", kUint32, nodes_.size());
  append_entry("record_size", kUint16, record_bits_);
  return out;
}

void MmdbWriter::write(const std::string& path) const {
  std::ofstream(path, std::ios::binary) << bytes();
}

MmdbWriter synthetic_mmdb(SyntheticKind kind, std::uint32_t networks, std::uint64_t seed) {
  constexpr std::uint32_t kCountries = 240;
  constexpr std::uint32_t kSystems = 80'000;
  std::mt19937_64 random(seed);
  MmdbWriter writer(kind == SyntheticKind::country ? "Synthetic-Country" : "Synthetic-ASN");
  // Half of the real ones are /24; the space is filled from its start, with gaps between.
  constexpr double kMeanSize = 2600;  // of such networks, with what aligning them leaves out
  constexpr std::uint64_t kUnicastEnd = std::uint64_t{224} << 24;
  const double mean_addresses = static_cast<double>(kUnicastEnd) / networks;
  std::uint64_t first = std::uint64_t{1} << 24;
  while (first < kUnicastEnd) {
    unsigned bits = 24;
    while (bits > 12 && random() % 2 == 0) --bits;
    const std::uint64_t size = std::uint64_t{1} << (32 - bits);
    first = (first + size - 1) / size * size;
    if (first + size > kUnicastEnd) break;
    Json record;
    if (kind == SyntheticKind::country) {
      const std::uint64_t number = (neighbourhood(first, 20) + random() % 2) % kCountries;
      const std::string code = {static_cast<char>('A' + number / 26),
                                static_cast<char>('A' + number % 26)};
      record = {{"country", {{"iso_code", code}, {"names", {{"en", "Country " + code}}}}}};
    } else {
      const std::uint64_t number = 1 + (neighbourhood(first, 17) + random() % 4) % kSystems;
      record = {{"autonomous_system_number", number},
                {"autonomous_system_organization", "EXAMPLE-" + std::to_string(number) + " Ltd."}};
    }
    writer.add(Ipv4{static_cast<std::uint32_t>(first)}, bits, record);
    first += size;
    if (mean_addresses > kMeanSize)
      first += static_cast<std::uint64_t>(mean_addresses - kMeanSize) / 256 * 256;
  }
  return writer;
}

}  // namespace echoscan
