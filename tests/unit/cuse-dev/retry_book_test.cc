// SPDX-License-Identifier: MIT
#include "retry_book.h"

#include <gtest/gtest.h>

namespace fakegpu::cuse_dev {
namespace {

using Verdict = RetryBook::Verdict;
using ioctl::Direction;
using ioctl::Segment;

constexpr RetryBook::Key kKey{10, 0xc0106401, 0x1000};
const std::vector<Segment> kNone;
const std::vector<Segment> kArray{{0x2000, 16, Direction::kIn}};
const std::vector<Segment> kMoved{{0x3000, 16, Direction::kIn}};

TEST(RetryBook, ACallWithoutArraysRunsAtOnce) {
  RetryBook book;
  EXPECT_EQ(book.check(kKey, kNone, true), Verdict::kCall);
  EXPECT_EQ(book.size(), 0u);
}

TEST(RetryBook, ArraysAreFetchedOnceThenTheCallRuns) {
  RetryBook book;
  EXPECT_EQ(book.check(kKey, kArray, false), Verdict::kFetch);
  EXPECT_EQ(book.check(kKey, kArray, true), Verdict::kCall);
  EXPECT_EQ(book.size(), 0u);
}

TEST(RetryBook, AChangedPointerOfTheSameSizeIsFetchedAgain) {
  RetryBook book;
  EXPECT_EQ(book.check(kKey, kArray, false), Verdict::kFetch);
  EXPECT_EQ(book.check(kKey, kMoved, true), Verdict::kFetch);
  EXPECT_EQ(book.check(kKey, kMoved, true), Verdict::kCall);
}

TEST(RetryBook, BytesThatNobodyAskedForAreNotBelieved) {
  RetryBook book;
  // The sizes fit, but this file never asked.
  EXPECT_EQ(book.check(kKey, kArray, true), Verdict::kFetch);
}

TEST(RetryBook, ArraysThatVanishedAreNotMixedUpWithNone) {
  RetryBook book;
  EXPECT_EQ(book.check(kKey, kArray, false), Verdict::kFetch);
  EXPECT_EQ(book.check(kKey, kNone, false), Verdict::kFetch);
  EXPECT_EQ(book.check(kKey, kNone, true), Verdict::kCall);
}

TEST(RetryBook, ACallerThatChangesEveryTimeIsGivenUp) {
  RetryBook book;
  unsigned fetches = 0;
  Verdict verdict;
  while ((verdict = book.check(kKey, fetches % 2 == 0 ? kArray : kMoved, fetches != 0)) ==
         Verdict::kFetch)
    ASSERT_LE(++fetches, RetryBook::kMaxFetches);
  EXPECT_EQ(verdict, Verdict::kGiveUp);
  EXPECT_EQ(fetches, RetryBook::kMaxFetches);
  EXPECT_EQ(book.size(), 0u);
  EXPECT_EQ(book.check(kKey, kArray, false), Verdict::kFetch);
}

TEST(RetryBook, CallersDoNotMixUp) {
  RetryBook book;
  RetryBook::Key other = kKey;
  other.tid = 11;
  EXPECT_EQ(book.check(kKey, kArray, false), Verdict::kFetch);
  EXPECT_EQ(book.check(other, kMoved, false), Verdict::kFetch);
  EXPECT_EQ(book.check(kKey, kArray, true), Verdict::kCall);
  EXPECT_EQ(book.check(other, kMoved, true), Verdict::kCall);
}

TEST(RetryBook, AForgottenCallStartsAnew) {
  RetryBook book;
  EXPECT_EQ(book.check(kKey, kArray, false), Verdict::kFetch);
  book.forget(kKey);
  EXPECT_EQ(book.size(), 0u);
  EXPECT_EQ(book.check(kKey, kArray, true), Verdict::kFetch);
}

TEST(RetryBook, CallsThatNeverComeBackTakeBoundedRoom) {
  RetryBook book;
  for (int32_t tid = 1; tid <= 1000; ++tid) {
    RetryBook::Key key = kKey;
    key.tid = tid;
    EXPECT_EQ(book.check(key, kArray, false), Verdict::kFetch);
  }
  EXPECT_EQ(book.size(), RetryBook::kMaxEntries);
  // The youngest are still known.
  RetryBook::Key key = kKey;
  key.tid = 1000;
  EXPECT_EQ(book.check(key, kArray, true), Verdict::kCall);
}

}  // namespace
}  // namespace fakegpu::cuse_dev
