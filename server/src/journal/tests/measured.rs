//! The bench on small numbers: its figures are for release builds, its rows must balance.

use super::support::{Scratch, kinds};
use crate::journal::bench;

#[test]
fn what_is_measured_leaves_sound_books() {
    for kind in kinds() {
        let [first, second, third, fourth] = [(); 4].map(|()| Scratch::new(kind));
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
            .unwrap();
        let (payments, breadth, settled) = runtime.block_on(async {
            let payments = bench::payments(&first.pool, &second.pool, 300)
                .await
                .unwrap();
            let logged = bench::log(&first.pool, 1_000).await.unwrap();
            assert!(logged.entries.count >= 600, "{logged}");
            let breadth = bench::breadth((&third.pool, 3), (&fourth.pool, 50), 40)
                .await
                .unwrap();
            let fresh = Scratch::new(kind);
            let settled = bench::settlement(&fresh.pool, 500).await.unwrap();
            assert_eq!(fresh.findings(), []);
            (payments, breadth, settled)
        });
        assert_eq!((payments.raw.count, payments.single.count), (300, 300));
        assert_eq!(
            (breadth.few.0, breadth.many.0, breadth.few.1.count),
            (3, 50, 40)
        );
        assert_eq!(settled.count, 500);
        for scratch in [&first, &third, &fourth] {
            assert_eq!(scratch.findings(), []);
        }
    }
}
