// The schemas in docs/schema have the names of the documents' tables and no other, so that neither
// can gain or lose one alone; and they are closed, so that a name that nobody has explained fails.
// What is really written is held against them in tests/end_to_end/scan_schema_test.sh.
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "output/result/result_field.h"

namespace echoscan::schema_test {
namespace {

using Json = nlohmann::ordered_json;

std::string content_of(const std::string& path) {
  std::stringstream text;
  text << std::ifstream(ECHOSCAN_SOURCE_DIR "/" + path).rdbuf();
  return text.str();
}

Json schema_of(const std::string& name) {
  return Json::parse(content_of("docs/schema/" + name + ".schema.json"));
}

// The names in the first column of a document's tables, as `a.b[].c`.
std::multiset<std::string> documented_in(const std::string& path) {
  std::multiset<std::string> names;
  const std::regex name("`([a-z0-9_.\\[\\]]+)`");
  std::istringstream in(content_of(path));
  for (std::string line; std::getline(in, line);) {
    if (!line.starts_with("| `")) continue;
    const std::string cell = line.substr(1, line.find('|', 1) - 1);
    for (std::sregex_iterator match(cell.begin(), cell.end(), name), end; match != end; ++match)
      names.insert((*match)[1]);
  }
  return names;
}

// The value that is no alternative to null, and no reference.
const Json& resolved(const Json& root, const Json& schema) {
  if (schema.contains("$ref")) {
    const std::string place = schema["$ref"].get<std::string>().substr(1);
    return resolved(root, root.at(Json::json_pointer(place)));
  }
  if (schema.contains("anyOf"))
    for (const Json& each : schema["anyOf"])
      if (each.contains("properties")) return resolved(root, each);
  return schema;
}

// Adds the names of all values below, and says which objects are open or leave a name out.
void add_names(const Json& root, const Json& part, const std::string& name,
               std::multiset<std::string>& names) {
  const Json& schema = resolved(root, part);
  if (schema.contains("properties")) {
    EXPECT_EQ(schema["additionalProperties"], false) << name << " is open";
    for (const auto& [key, member] : schema["properties"].items())
      add_names(root, member, name.empty() ? key : name + "." + key, names);
  } else if (schema.contains("items")) {
    add_names(root, schema["items"], name + "[]", names);
  } else {
    names.insert(name);
  }
}

std::multiset<std::string> names_in(const Json& schema) {
  std::multiset<std::string> names;
  add_names(schema, schema, "", names);
  return names;
}

std::vector<std::string> keys_of(const Json& object) {
  std::vector<std::string> keys;
  for (const auto& [key, value] : object.items()) keys.push_back(key);
  return keys;
}

TEST(Schema, OfResultsIsTheTableOfFields) {
  const Json schema = schema_of("result");
  std::vector<std::string> names;
  std::vector<std::string> always;
  for (const ResultField& field : kResultFields) {
    names.emplace_back(field.name);
    // The identifier is absent in tests alone.
    if ((!field.is_present && !field.text) || field.name == "scan_id")
      always.emplace_back(field.name);
  }
  EXPECT_EQ(keys_of(schema["properties"]), names);
  EXPECT_EQ(schema["required"].get<std::vector<std::string>>(), always);
  EXPECT_EQ(schema["additionalProperties"], false);
  const Json& chosen = schema["$defs"]["chosen"];
  EXPECT_EQ(keys_of(chosen["properties"]), names);
  EXPECT_EQ(chosen["additionalProperties"], false);
  const std::multiset<std::string> documented = documented_in("docs/json-lines.md");
  EXPECT_EQ(documented, std::multiset<std::string>(names.begin(), names.end()));
}

TEST(Schema, OfSummariesIsTheDocumentsTable) {
  const Json schema = schema_of("summary");
  std::multiset<std::string> names = names_in(schema);
  // The document lists the sums below the keys; these are the cells that are one name each.
  names.erase("ledger.faults[]");
  names.insert("ledger.faults");
  std::multiset<std::string> documented;
  std::istringstream in(content_of("docs/summary.md"));
  const std::string text = in.str().substr(0, in.str().find("## What must add up"));
  const std::regex name("`([^`]+)`");
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with("| `")) continue;
    const std::string cell = line.substr(1, line.find('|', 1) - 1);
    for (std::sregex_iterator match(cell.begin(), cell.end(), name), end; match != end; ++match)
      documented.insert((*match)[1]);
  }
  EXPECT_EQ(names, documented);
}

TEST(Schema, OfTheStatusIsTheDocumentsTable) {
  EXPECT_EQ(names_in(schema_of("status")), documented_in("docs/status.md"));
}

// The target is explained with the lines of answers.
TEST(Schema, OfAPingIsTheDocumentsTable) {
  std::multiset<std::string> documented = documented_in("docs/ping.md");
  documented.insert("target");
  EXPECT_EQ(names_in(schema_of("ping")), documented);
}

// The doctor's names stand in a paragraph, each as code.
TEST(Schema, OfTheDoctorIsInItsDocument) {
  const Json schema = schema_of("doctor");
  const std::string document = content_of("docs/drivers.md");
  const std::string part = document.substr(document.find("## `echoscan doctor`"));
  std::size_t count = 0;
  for (const char* form : {"host", "card"}) {
    std::multiset<std::string> names;
    add_names(schema, schema["$defs"][form], "", names);
    for (const std::string& path : names) {
      std::string name = path.substr(0, path.find("[]"));
      if (path.starts_with("ways") || name == "type" || name == "version") continue;
      name = name.substr(name.rfind('.') == name.npos ? 0 : name.rfind('.') + 1);
      EXPECT_NE(part.find("`" + name + "`"), part.npos) << path;
      ++count;
    }
  }
  EXPECT_GT(count, 40U);
}

// Of all of them: the draft, a name with its version, words on what it is; of an object that is
// always whole, each of its names is required.
TEST(Schema, IsNamedClosedAndWhole) {
  for (const std::string name : {"result", "ping", "summary", "status", "doctor"}) {
    const Json schema = schema_of(name);
    EXPECT_EQ(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
    EXPECT_EQ(schema["$id"], "urn:echoscan:schema:" + name + ":1");
    EXPECT_FALSE(schema["title"].get<std::string>().empty());
    EXPECT_FALSE(schema["description"].get<std::string>().empty());
  }
  std::size_t objects = 0;
  const auto look = [&objects](const auto& self, const Json& part) -> void {
    if (part.is_object() && part.contains("properties") && part.contains("required")) {
      ++objects;
      EXPECT_EQ(part["required"].get<std::vector<std::string>>(), keys_of(part["properties"]));
    }
    if (part.is_structured())
      for (const auto& [key, member] : part.items()) self(self, member);
  };
  for (const char* name : {"summary", "status", "doctor"}) look(look, schema_of(name));
  EXPECT_GT(objects, 30U);
}

}  // namespace
}  // namespace echoscan::schema_test
