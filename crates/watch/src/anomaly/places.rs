//! Where networks are, by a table of the team's own: nothing is asked of anybody.
//!
//! One line for each network: `network,latitude,longitude,name`, for instance `203.0.113.0/24,52.5,13.4,Berlin`. Lines that
//! begin with `#`, and empty ones, are comments. Of several networks around an address the smallest counts.

use std::collections::HashMap;
use std::net::IpAddr;

use gabion_model::Problem;
use ipnet::IpNet;

/// Networks of a table.
const MOST: usize = 500_000;

/// A point on the earth, in degrees.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Place {
    latitude: f32,
    longitude: f32,
}

impl Place {
    /// Along the surface.
    pub(crate) fn kilometres(self, other: Self) -> f64 {
        let [from, to] = [self, other]
            .map(|place| (f64::from(place.latitude).to_radians(), f64::from(place.longitude).to_radians()));
        let (north, east) = ((to.0 - from.0) / 2.0, (to.1 - from.1) / 2.0);
        let chord = north.sin().powi(2) + from.0.cos() * to.0.cos() * east.sin().powi(2);
        2.0 * 6371.0 * chord.clamp(0.0, 1.0).sqrt().asin()
    }
}

/// Networks and where they are.
#[derive(Debug, Default, PartialEq)]
pub struct Places {
    /// By family and length of the prefix, longest first.
    lengths: Vec<(bool, u8)>,
    known: HashMap<IpNet, Place>,
}

impl Places {
    /// Bytes that a table may have.
    pub const FILE: usize = 32 << 20;

    /// Reads a table.
    ///
    /// # Errors
    /// The first line that is wrong, with its number under `watch.places`.
    pub fn read(text: &str) -> Result<Self, Problem> {
        let mut places = Self::default();
        for (number, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let (network, place) = entry(line).map_err(|reason| {
                Problem::new("watch.places", format!("line {}: {reason}", number + 1))
                    .hint("`network,latitude,longitude,name`, for instance `203.0.113.0/24,52.5,13.4,Berlin`")
            })?;
            if places.known.len() >= MOST {
                return Err(Problem::new("watch.places", "there are too many networks")
                    .hint(format!("at most {MOST}; larger networks do")));
            }
            places.known.insert(network, place);
            let length = (matches!(network, IpNet::V4(_)), network.prefix_len());
            if !places.lengths.contains(&length) {
                places.lengths.push(length);
            }
        }
        places.lengths.sort_by_key(|(_, length)| std::cmp::Reverse(*length));
        Ok(places)
    }

    /// How many networks there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.known.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    pub(crate) fn find(&self, address: IpAddr) -> Option<Place> {
        let address = address.to_canonical();
        let fitting = self.lengths.iter().filter(|(is_v4, _)| *is_v4 == address.is_ipv4());
        fitting
            .filter_map(|(_, length)| IpNet::new(address, *length).ok())
            .find_map(|network| self.known.get(&network.trunc()).copied())
    }
}

fn entry(line: &str) -> Result<(IpNet, Place), &'static str> {
    let mut parts = line.splitn(4, ',').map(str::trim);
    let network = parts.next().and_then(|part| part.parse::<IpNet>().ok()).ok_or("this is no network")?;
    let mut degrees = |most: f32| {
        let number = parts.next().and_then(|part| part.parse::<f32>().ok());
        number.filter(|number| number.is_finite() && number.abs() <= most)
    };
    let latitude = degrees(90.0).ok_or("the latitude is a number between -90 and 90")?;
    let longitude = degrees(180.0).ok_or("the longitude is a number between -180 and 180")?;
    Ok((network.trunc(), Place { latitude, longitude }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_smallest_network_counts_and_distances_are_right() {
        let table = "# ours\n203.0.113.0/24,52.52,13.40,Berlin\n\n203.0.113.128/25,48.86,2.35,Paris\n\
                     2001:db8::/32,-33.87,151.21,Sydney\n";
        let places = Places::read(table).unwrap();
        assert_eq!(places.len(), 3);
        let find = |address: &str| places.find(address.parse().unwrap());
        let (berlin, paris) = (find("203.0.113.7").unwrap(), find("203.0.113.200").unwrap());
        assert!((870.0..890.0).contains(&berlin.kilometres(paris)), "{}", berlin.kilometres(paris));
        let sydney = find("2001:db8:1::1").unwrap();
        assert!((16_000.0..16_200.0).contains(&berlin.kilometres(sydney)));
        assert_eq!(find("::ffff:203.0.113.7"), Some(berlin));
        assert_eq!(find("198.51.100.1"), None);
        assert!(berlin.kilometres(berlin) < 0.001);
    }

    #[test]
    fn what_is_wrong_is_said_with_its_line() {
        for (table, words) in [
            ("203.0.113.0/24,52,13\nsomewhere,1,2", "line 2: this is no network"),
            ("203.0.113.0/24,91,0", "line 1: the latitude"),
            ("203.0.113.0/24,NaN,0", "line 1: the latitude"),
            ("203.0.113.0/24,0", "line 1: the longitude"),
        ] {
            let problem = Places::read(table).unwrap_err();
            assert!(problem.reason.starts_with(words), "{}", problem.reason);
        }
    }

    proptest! {
        #[test]
        fn nothing_read_panics(text in "[0-9a-f:./,#\n -]{0,200}", address: u32) {
            if let Ok(places) = Places::read(&text) {
                let _ = places.find(IpAddr::from(address.to_be_bytes()));
            }
        }
    }
}
