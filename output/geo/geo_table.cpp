#include "output/geo/geo_table.h"

#include <algorithm>
#include <utility>

#include "output/geo/geo_database.h"

namespace echoscan {
namespace {

constexpr unsigned kSlotShift = 16;
constexpr std::size_t kSlots = std::size_t{1} << 16;
constexpr std::uint64_t kHashFactor = 0x9e3779b97f4a7c15;

}  // namespace

std::size_t GeoTable::RecordHash::operator()(const Record& record) const {
  std::uint64_t hash = 0;
  for (const std::uint32_t part : {record.country, record.city, record.as_org, record.asn})
    hash = (hash ^ part) * kHashFactor;
  return hash ^ hash >> 32;
}

GeoTable::GeoTable() : networks_{Network{}}, texts_(1, '\0') {
  intern_record({});
  index_networks();
}

std::uint32_t GeoTable::intern_text(std::string_view text) {
  if (text.empty()) return 0;
  const auto [known, is_new] =
      text_offsets_.try_emplace(std::string(text), static_cast<std::uint32_t>(texts_.size()));
  if (is_new) {
    texts_ += static_cast<char>(text.size());
    texts_ += text;
  }
  return known->second;
}

std::uint32_t GeoTable::intern_record(const Record& record) {
  const auto [known, is_new] =
      record_indexes_.try_emplace(record, static_cast<std::uint32_t>(records_.size()));
  if (is_new) records_.push_back(record);
  return known->second;
}

tl::expected<void, std::string> GeoTable::add_database(const std::string& path) {
  const tl::expected<GeoDatabase, std::string> database = GeoDatabase::load(path);
  if (!database) return tl::make_unexpected(database.error());
  std::vector<Record> found;
  for (const GeoDatabase::Record& record : database->records())
    found.push_back({intern_text(record.country), intern_text(record.city),
                     intern_text(record.as_org), record.asn});

  // Walks through both tables at once, from boundary to boundary.
  std::unordered_map<std::uint64_t, std::uint32_t> combined;
  const auto combine = [&](std::uint32_t ours, std::uint32_t theirs) {
    const auto [known, is_new] = combined.try_emplace(std::uint64_t{ours} << 32 | theirs, 0);
    if (is_new) {
      Record record = records_[ours];
      if (record.country == 0) record.country = found[theirs].country;
      if (record.city == 0) record.city = found[theirs].city;
      if (record.as_org == 0 && record.asn == 0) record.as_org = found[theirs].as_org;
      if (record.asn == 0) record.asn = found[theirs].asn;
      known->second = intern_record(record);
    }
    return known->second;
  };
  std::vector<Network> merged;
  const std::vector<GeoDatabase::Network>& others = database->networks();
  for (std::size_t i = 0, k = 0; i < networks_.size() && k < others.size();) {
    const Ipv4 first = std::max(networks_[i].first, others[k].first);
    const std::uint32_t record = combine(networks_[i].record, others[k].record);
    if (merged.empty() || merged.back().record != record) merged.push_back({first, record});
    // The network that ends first is left behind; where both end, both are.
    const bool is_last = i + 1 == networks_.size();
    const bool is_other_last = k + 1 == others.size();
    if (is_last && is_other_last) break;
    const bool steps = !is_last && (is_other_last || networks_[i + 1].first <= others[k + 1].first);
    const bool other_steps =
        !is_other_last && (is_last || others[k + 1].first <= networks_[i + 1].first);
    i += steps ? 1 : 0;
    k += other_steps ? 1 : 0;
  }
  merged.shrink_to_fit();
  networks_ = std::move(merged);
  index_networks();
  description_ += (description_.empty() ? "" : ", ") + database->kind();
  return {};
}

void GeoTable::index_networks() {
  network_of_slot_.assign(kSlots + 1, static_cast<std::uint32_t>(networks_.size() - 1));
  std::uint32_t network = 0;
  for (std::size_t slot = 0; slot < kSlots; ++slot) {
    while (network + 1 < networks_.size() &&
           networks_[network + 1].first.value <= static_cast<std::uint32_t>(slot << kSlotShift))
      ++network;
    network_of_slot_[slot] = network;
  }
}

GeoRecord GeoTable::find(Ipv4 address) const {
  const std::size_t slot = address.value >> kSlotShift;
  // Finds the last network that begins at or before the address, by halving without a branch that
  // could be mispredicted.
  const Network* network = &networks_[network_of_slot_[slot]];
  for (std::size_t count = network_of_slot_[slot + 1] - network_of_slot_[slot] + 1; count > 1;) {
    const std::size_t half = count / 2;
    network += network[half].first <= address ? half : 0;
    count -= half;
  }
  return record(network->record);
}

GeoRecord GeoTable::record(std::uint32_t index) const {
  const Record& record = records_[index];
  return {text(record.country), text(record.city), text(record.as_org), record.asn};
}

}  // namespace echoscan
