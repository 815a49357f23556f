// Geo databases, made by the test: every form of field, both IP versions, all record sizes, several
// databases together, a reference look-up by libmaxminddb itself, and files that are wrong.
#include <gtest/gtest.h>
#include <maxminddb.h>
#include <netinet/in.h>

#include <filesystem>
#include <fstream>
#include <random>

#include "output/geo/geo_database.h"
#include "output/geo/geo_table.h"
#include "output/result/result_field.h"
#include "tests/output/mmdb_writer.h"
#include "tests/sweep_step.h"

namespace echoscan::geo_test {
namespace {

using Json = nlohmann::json;

Ipv4 ip(const char* text) {
  return parse_ipv4(text).value();
}

std::string path_of(const std::string& name) {
  return testing::TempDir() + "/" + name + ".mmdb";
}

// Writes `bytes` and adds the file to a table; the error, empty when there is none.
std::string load_error(const std::string& bytes) {
  std::ofstream(path_of("wrong"), std::ios::binary) << bytes;
  GeoTable table;
  const tl::expected<void, std::string> added = table.add_database(path_of("wrong"));
  EXPECT_EQ(table.is_empty(), !added);
  return added ? "" : added.error();
}

GeoTable table_of(const std::vector<MmdbWriter>& writers) {
  GeoTable table;
  for (const MmdbWriter& writer : writers) {
    writer.write(path_of("test"));
    const tl::expected<void, std::string> added = table.add_database(path_of("test"));
    EXPECT_TRUE(added) << added.error();
  }
  return table;
}

MmdbWriter country_database() {
  MmdbWriter writer("GeoLite2-City");
  writer.add(ip("192.0.2.0"), 24,
             {{"country", {{"iso_code", "NL"}, {"names", {{"en", "Netherlands"}}}}},
              {"city", {{"names", {{"de", "Haag"}, {"en", "The Hague"}}}}}});
  writer.add(ip("198.51.100.0"), 25, {{"country", {{"iso_code", "DE"}}}});
  return writer;
}

MmdbWriter asn_database() {
  MmdbWriter writer("GeoLite2-ASN");
  writer.add(ip("192.0.2.128"), 25,
             {{"autonomous_system_number", 64500}, {"autonomous_system_organization", "EXAMPLE"}});
  writer.add(ip("198.51.0.0"), 16, {{"autonomous_system_number", 4200000001}});
  return writer;
}

TEST(GeoTable, KnowsNothingWithoutADatabase) {
  const GeoTable table;
  EXPECT_TRUE(table.is_empty());
  const GeoRecord record = table.find(ip("192.0.2.1"));
  EXPECT_TRUE(record.country.empty() && record.city.empty() && record.as_org.empty());
  EXPECT_EQ(record.asn, 0U);
}

TEST(GeoTable, JoinsWhatSeveralDatabasesKnow) {
  for (const bool is_reversed : {false, true}) {
    std::vector<MmdbWriter> writers = {country_database(), asn_database()};
    if (is_reversed) std::swap(writers[0], writers[1]);
    const GeoTable table = table_of(writers);
    EXPECT_EQ(table.find(ip("192.0.1.255")).country, "");
    EXPECT_EQ(table.find(ip("192.0.2.0")).country, "NL");
    EXPECT_EQ(table.find(ip("192.0.2.0")).city, "The Hague");
    EXPECT_EQ(table.find(ip("192.0.2.127")).asn, 0U);
    EXPECT_EQ(table.find(ip("192.0.2.128")).asn, 64500U);
    EXPECT_EQ(table.find(ip("192.0.2.128")).as_org, "EXAMPLE");
    EXPECT_EQ(table.find(ip("192.0.2.255")).country, "NL");
    EXPECT_EQ(table.find(ip("192.0.3.0")).country, "");
    EXPECT_EQ(table.find(ip("198.51.100.127")).country, "DE");
    EXPECT_EQ(table.find(ip("198.51.100.128")).country, "");
    EXPECT_EQ(table.find(ip("198.51.100.128")).asn, 4200000001U);
    EXPECT_EQ(table.find(ip("255.255.255.255")).asn, 0U);
    EXPECT_EQ(table.find(ip("0.0.0.0")).asn, 0U);
  }
}

TEST(GeoTable, OfTwoThatKnowAFieldTheFirstCounts) {
  MmdbWriter other("other");
  other.add(ip("192.0.0.0"), 16,
            {{"country_code", "BE"}, {"asn", "AS64501"}, {"as_name", "OTHER"}});
  const GeoTable table = table_of({country_database(), other, asn_database()});
  EXPECT_EQ(table.find(ip("192.0.2.200")).country, "NL");
  EXPECT_EQ(table.find(ip("192.0.2.200")).asn, 64501U);
  EXPECT_EQ(table.find(ip("192.0.2.200")).as_org, "OTHER");
  EXPECT_EQ(table.find(ip("192.0.3.0")).country, "BE");
  EXPECT_EQ(table.description(), "GeoLite2-City, other, GeoLite2-ASN");
}

TEST(GeoTable, FieldsAreFoundInEveryForm) {
  MmdbWriter writer("forms", 4, 24);
  const std::vector<Json> records = {
      {{"country_code", "FR"}},
      {{"country", "SE"}},
      {{"country", "Sweden"}, {"city", "Kiruna"}},
      {{"asn", 64500}, {"as_name", "ONE"}},
      {{"asn", "AS64501"}, {"as_org", "TWO"}},
      {{"asn", "64502"}},
      {{"traits",
        {{"autonomous_system_number", 64503}, {"autonomous_system_organization", "THREE"}}}}};
  for (std::uint32_t i = 0; i < records.size(); ++i) writer.add(Ipv4{i << 24}, 8, records[i]);
  const GeoTable table = table_of({writer});
  EXPECT_EQ(table.find(ip("0.1.1.1")).country, "FR");
  EXPECT_EQ(table.find(ip("1.1.1.1")).country, "SE");
  EXPECT_EQ(table.find(ip("2.1.1.1")).country, "");
  EXPECT_EQ(table.find(ip("2.1.1.1")).city, "Kiruna");
  EXPECT_EQ(table.find(ip("3.1.1.1")).asn, 64500U);
  EXPECT_EQ(table.find(ip("3.1.1.1")).as_org, "ONE");
  EXPECT_EQ(table.find(ip("4.1.1.1")).asn, 64501U);
  EXPECT_EQ(table.find(ip("4.1.1.1")).as_org, "TWO");
  EXPECT_EQ(table.find(ip("5.1.1.1")).asn, 64502U);
  EXPECT_EQ(table.find(ip("6.1.1.1")).asn, 64503U);
  EXPECT_EQ(table.find(ip("6.1.1.1")).as_org, "THREE");
}

TEST(GeoTable, TextIsCutBetweenCharactersAndHasNoLineEnds) {
  MmdbWriter writer("texts");
  std::string longest = "a\nb";
  while (longest.size() < kTextBytesMax + 10) longest += "\xc3\xa9";
  writer.add(ip("10.0.0.0"), 8, {{"as_name", longest}});
  const GeoTable table = table_of({writer});
  const std::string_view text = table.find(ip("10.1.1.1")).as_org;
  EXPECT_EQ(text.size(), kTextBytesMax - 1);
  EXPECT_TRUE(text.starts_with("a b\xc3\xa9"));
  EXPECT_TRUE(text.ends_with("\xc3\xa9"));
}

// One address in each network and at its edges, by libmaxminddb's own look-up.
TEST(GeoTable, AgreesWithTheLibraryOnAMillionAddresses) {
  for (const unsigned ip_version : {4U, 6U}) {
    std::mt19937_64 random(ip_version);
    MmdbWriter writer("random", ip_version, ip_version == 4 ? 32 : 24);
    for (unsigned bits = 1; bits <= 32; ++bits) {
      for (int i = 0; i < 200; ++i) {
        const std::uint32_t mask = ~std::uint32_t{0} << (32 - bits);
        writer.add(Ipv4{static_cast<std::uint32_t>(random()) & mask}, bits,
                   {{"asn", random() % 50 + 1}});
      }
    }
    const GeoTable table = table_of({writer});
    MMDB_s mmdb;
    ASSERT_EQ(MMDB_open(path_of("test").c_str(), MMDB_MODE_MMAP, &mmdb), MMDB_SUCCESS);
    for (int i = 0; i < 500'000; ++i) {
      const std::vector<GeoTable::Network>& networks = table.networks();
      Ipv4 address{static_cast<std::uint32_t>(random())};
      if (i % 2 == 0) address.value = networks[random() % networks.size()].first.value - i % 4 / 2;
      sockaddr_in name{};
      name.sin_family = AF_INET;
      name.sin_addr.s_addr = htonl(address.value);
      int error = 0;
      MMDB_lookup_result_s found =
          MMDB_lookup_sockaddr(&mmdb, reinterpret_cast<const sockaddr*>(&name), &error);
      MMDB_entry_data_s data{};
      if (found.found_entry) MMDB_get_value(&found.entry, &data, "asn", nullptr);
      ASSERT_EQ(table.find(address).asn, data.has_data ? data.uint32 : 0) << to_string(address);
    }
    MMDB_close(&mmdb);
  }
}

TEST(GeoDatabase, WrongFilesAreRefusedWithWhatIsWrong) {
  GeoTable table;
  EXPECT_EQ(table.add_database("/nonexistent.mmdb").error(),
            "cannot read '/nonexistent.mmdb': No such file or directory");
  EXPECT_FALSE(table.add_database(testing::TempDir()));
  EXPECT_NE(load_error("").find("is not a MaxMind DB file"), std::string::npos);
  EXPECT_NE(load_error(std::string(100'000, 'x')).find("is not a MaxMind DB file"),
            std::string::npos);
  MmdbWriter domains("GeoLite2-Domain");
  domains.add(ip("10.0.0.0"), 8, {{"domain", "example.com"}});
  EXPECT_NE(load_error(domains.bytes())
                .find("neither country, city nor ASN of IPv4 addresses; its "
                      "kind is GeoLite2-Domain"),
            std::string::npos);
}

// Cut at each place, or with a byte changed: refused or read, and never more than that.
TEST(GeoDatabase, DamageIsNeverMoreThanAnError) {
  const std::string whole = country_database().bytes();
  EXPECT_EQ(load_error(whole), "");
  for (std::size_t bytes = 0; bytes < whole.size(); bytes += kSweepStep)
    EXPECT_NE(load_error(whole.substr(0, bytes)), "") << bytes;
  EXPECT_NE(load_error(whole.substr(whole.size() / 2)), "");
  std::mt19937_64 random(1);
  int refused = 0;
  for (int i = 0; i < 3000; i += kSweepStep) {
    std::string damaged = whole;
    damaged[random() % damaged.size()] = static_cast<char>(random());
    refused += load_error(damaged).empty() ? 0 : 1;
  }
  EXPECT_GT(refused, 100 / kSweepStep);
}

}  // namespace
}  // namespace echoscan::geo_test
