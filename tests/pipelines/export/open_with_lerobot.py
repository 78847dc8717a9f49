"""Opens datasets with lerobot itself and reads the first, a middle and the last row of each episode. Run by an interpreter that has it."""

import sys

from lerobot.datasets.lerobot_dataset import LeRobotDataset

for root in sys.argv[1:]:
    dataset = LeRobotDataset("cairn/export", root=root, video_backend="pyav")
    for episode in range(dataset.num_episodes):
        entry = dataset.meta.episodes[episode]
        first, stop = entry["dataset_from_index"], entry["dataset_to_index"]
        for row in {first, (first + stop) // 2, stop - 1}:
            item = dataset[row]
            assert item["episode_index"].item() == episode, item
            assert item["index"].item() == row, item
            for key in dataset.meta.video_keys:
                assert tuple(item[key].shape[-2:]) == tuple(dataset.meta.features[key]["shape"][:2])
    print(root, len(dataset))
