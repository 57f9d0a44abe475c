// SPDX-License-Identifier: MIT
// A TOML table that is read key by key: each value checked, and in the end no key left over. Errors
// are ScenarioErrors with the place in the file.
#pragma once

#include <toml++/toml.h>

#include <set>

#include <fmt/format.h>

#include "scenario.h"

namespace fakegpu::sim {

class TomlReader {
 public:
  TomlReader(const toml::table& table, std::string file) : table_(table), file_(std::move(file)) {}

  [[noreturn]] void fail(const toml::source_region& at, const std::string& what) const {
    throw ScenarioError(fmt::format("{}:{}: {}", file_, at.begin.line, what));
  }
  [[noreturn]] void fail(const std::string& what) const { fail(table_.source(), what); }
  [[noreturn]] void fail(std::string_view key, const std::string& what) const {
    const toml::node* node = table_.get(key);
    fail(node ? node->source() : table_.source(), fmt::format("{}: {}", key, what));
  }

  // Null: it is not there.
  const toml::node* find(std::string_view key) {
    known_.emplace(key);
    return table_.get(key);
  }
  bool has(std::string_view key) const { return table_.contains(key); }

  std::string text(std::string_view key, std::string fallback) {
    const toml::node* node = find(key);
    if (!node) return fallback;
    const auto value = node->value_exact<std::string>();
    if (!value) fail(key, "expected a string");
    return *value;
  }
  int64_t integer(std::string_view key, int64_t fallback, int64_t least, int64_t most) {
    const toml::node* node = find(key);
    if (!node) return fallback;
    const auto value = node->value_exact<int64_t>();
    if (!value || *value < least || *value > most)
      fail(key, fmt::format("expected an integer from {} to {}", least, most));
    return *value;
  }
  Nanos duration(std::string_view key, Nanos fallback, Nanos least, Nanos most) {
    const toml::node* node = find(key);
    return node ? duration_of(*node, key, least, most) : fallback;
  }
  Nanos duration_of(const toml::node& node, std::string_view key, Nanos least, Nanos most) const {
    const auto value = node.value_exact<std::string>();
    const Nanos time = value ? parse_duration(*value) : -1;
    if (time < least || time > most)
      fail(node.source(), fmt::format("{}: expected a duration like \"250us\" from {} ns to {} ns",
                                      key, least, most));
    return time;
  }
  double number(const toml::node& node, std::string_view key, double least, double most) const {
    const auto value = node.is_number() ? node.value<double>() : std::nullopt;
    if (!value || !(*value >= least && *value <= most))
      fail(node.source(), fmt::format("{}: expected a number from {} to {}", key, least, most));
    return *value;
  }
  const toml::array* array(std::string_view key) {
    const toml::node* node = find(key);
    if (node && !node->is_array()) fail(key, "expected an array");
    return node ? node->as_array() : nullptr;
  }
  // Every table of an array of tables.
  template <typename F>
  void tables(std::string_view key, F&& visit) {
    const toml::array* all = array(key);
    if (!all) return;
    for (const toml::node& node : *all) {
      if (!node.is_table()) fail(node.source(), fmt::format("{}: expected a table", key));
      visit(*node.as_table());
    }
  }
  // What was asked for is all there is.
  void finish() const {
    for (const auto& [key, value] : table_)
      if (!known_.contains(std::string(key.str())))
        fail(value.source(),
             fmt::format("unknown key \"{}\"; known here: {}", key.str(), fmt::join(known_, ", ")));
  }

  const std::string& file() const { return file_; }

 private:
  const toml::table& table_;
  std::string file_;
  std::set<std::string> known_;
};

}  // namespace fakegpu::sim
