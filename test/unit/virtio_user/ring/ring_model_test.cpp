// SPDX-License-Identifier: BSD-3-Clause
// Random steps of driver and device, compared with a model that is only lists.
#include "virtio_user/ring/ring_fixture.hpp"

#include <algorithm>
#include <deque>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <random>

namespace netvsc::virtio::test {
namespace {

template <typename Ring> class RingModel : public testing::Test {
protected:
    using Traits = RingTraits<Ring>;
    /// A packed ring need not have a power of two.
    static constexpr std::uint16_t entries = Traits::packed ? 13 : 16;

    struct Offered {
        void *cookie;
        std::vector<MockSegment> segments;
        std::uint16_t descriptors;
    };

    unsigned random(unsigned below) { return static_cast<unsigned>(random_() % below); }

    static std::uint32_t writable(const MockChain &chain) {
        std::uint32_t total = 0;
        for (const MockSegment &segment : chain.segments)
            total += segment.writable ? segment.length : 0;
        return total;
    }

    void offer() {
        std::vector<Segment> parts[2];
        Offered chain = {cookie(next_cookie_++), {}, 0};
        const unsigned count = 1 + random(RingPair<Ring>::indirect_segments);
        const unsigned reads = random(count + 1);
        for (unsigned i = 0; i < count; ++i) {
            const Segment segment = {random_(), random(5000)};
            parts[i < reads ? 0 : 1].push_back(segment);
            chain.segments.push_back({segment.address, segment.length, i >= reads});
        }
        const bool indirect = random(2) != 0;
        chain.descriptors = static_cast<std::uint16_t>(indirect ? 1 : count);
        if (pair_.ring.room() < chain.descriptors)
            return;
        if (indirect)
            pair_.ring.offer_indirect(parts[0], parts[1], chain.cookie);
        else if (count == 1 && reads == 1)
            pair_.ring.template offer<Access::read>(parts[0][0], chain.cookie);
        else if (count == 1)
            pair_.ring.template offer<Access::write>(parts[1][0], chain.cookie);
        else
            pair_.ring.offer_chain(parts[0], parts[1], chain.cookie);
        unpublished_.push_back(std::move(chain));
    }

    void publish() {
        ASSERT_EQ(pair_.ring.publish(), !unpublished_.empty());
        std::ranges::move(unpublished_, std::back_inserter(published_));
        unpublished_.clear();
    }

    void fetch() {
        const auto chain = pair_.device.fetch();
        ASSERT_EQ(chain.has_value(), !published_.empty());
        if (!chain)
            return;
        ASSERT_EQ(chain->segments, published_.front().segments);
        ASSERT_EQ(chain->descriptors, published_.front().descriptors);
        fetched_.emplace_back(*chain, published_.front().cookie);
        published_.pop_front();
    }

    void use() {
        if (fetched_.empty())
            return;
        if constexpr (Traits::in_order) {
            const auto end = fetched_.begin() + 1 + random(static_cast<unsigned>(fetched_.size()));
            std::vector<MockChain> batch;
            for (auto chain = fetched_.begin(); chain != end; ++chain) {
                batch.push_back(chain->first);
                used_.push_back({chain->second, writable(chain->first)});
            }
            used_.back().written = random(used_.back().written + 1);
            pair_.device.use_batch(batch, used_.back().written);
            fetched_.erase(fetched_.begin(), end);
        } else {
            const auto chain = fetched_.begin() + random(static_cast<unsigned>(fetched_.size()));
            const std::uint32_t written = random(writable(chain->first) + 1);
            pair_.device.use(chain->first, written);
            used_.push_back({chain->second, written});
            fetched_.erase(chain);
        }
    }

    void take_some() {
        if (!unpublished_.empty())
            publish();
        const unsigned most = 1 + random(entries);
        const std::vector<Taken> taken = take(pair_.ring, most);
        ASSERT_EQ(taken.size(), std::min<std::size_t>(most, used_.size()));
        for (const Taken &chain : taken) {
            ASSERT_EQ(chain, used_.front());
            used_.pop_front();
        }
        ASSERT_EQ(pair_.ring.fault(), Fault::none);
    }

    void step() {
        switch (random(5)) {
        case 0:
            return offer();
        case 1:
            return publish();
        case 2:
            return fetch();
        case 3:
            return use();
        default:
            return take_some();
        }
    }

    RingPair<Ring> pair_{entries};
    std::mt19937_64 random_{1}; ///< the same steps each time
    std::uintptr_t next_cookie_ = 1;
    std::vector<Offered> unpublished_;
    std::deque<Offered> published_;
    std::deque<std::pair<MockChain, void *>> fetched_;
    std::deque<Taken> used_;
};

TYPED_TEST_SUITE(RingModel, AllRings);

TYPED_TEST(RingModel, RingAndModelAgree) {
    for (unsigned i = 0; i < 200000 && !testing::Test::HasFatalFailure(); ++i)
        this->step();
    EXPECT_GT(this->next_cookie_, 10000U);
}

} // namespace
} // namespace netvsc::virtio::test
